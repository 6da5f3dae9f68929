//! One script of commands for a stand-in and for the real `icp`: what both must answer alike.
//!
//! It wants a canister that is running, of the caller, without snapshots so far, with [`module`], [`HEAP`], no stable
//! memory, the chunk size of icp, 3,000,000,000,000 cycles and the methods of [`METHODS`]. The caller is the default
//! identity of a fresh home: `anonymous`.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::id::Digest;

/// One command a line; `#` begins a comment. Words in capitals are replaced: `TARGET`, `UNKNOWN` (no such canister),
/// `IDn` (the target's snapshot of that number), `FOREIGN` (a snapshot id of a canister that is not there) and the directories of
/// [`Directories`].
const SCRIPT: &str = "
--version
identity principal
canister status TARGET --json
canister status TARGET --id-only
canister status TARGET --public --json
canister status TARGET --public
canister status TARGET
canister call TARGET health () --query
canister call TARGET health ()
canister call TARGET broken ()
canister call TARGET nothing ()
canister snapshot list TARGET --json
canister snapshot list TARGET --quiet
canister snapshot create TARGET --json        # running
canister snapshot restore TARGET ID9          # running
canister stop TARGET
canister stop TARGET
canister call TARGET health ()                # stopped
canister status TARGET --json
canister snapshot restore TARGET ID9          # IC0305
canister snapshot restore TARGET FOREIGN      # IC0305
canister snapshot delete TARGET ID9           # IC0305
canister snapshot create TARGET --json        # ID0
canister snapshot create TARGET --json --replace ID0
canister snapshot create TARGET --json --replace ID0   # IC0305
canister snapshot create TARGET --quiet       # ID2
canister snapshot list TARGET
canister snapshot list TARGET --quiet
canister snapshot upload TARGET --input GOOD --json    # ID3
canister snapshot upload TARGET --input GOOD --json --resume
canister snapshot upload TARGET --input SHORT --json   # ID4: the rest is zeros
canister snapshot upload TARGET --input LONG --json    # ID5: IC0408
canister snapshot upload TARGET --input LACKING --json # ID6: no file
canister snapshot upload TARGET --input LONG --json --resume
canister snapshot upload TARGET --input LACKING --json --resume
canister snapshot upload TARGET --input BARE --json    # no metadata
canister snapshot upload TARGET --input TORN --json
canister snapshot upload TARGET --input BROKEN --quiet # ID7: not a module
canister snapshot list TARGET --json
canister snapshot restore TARGET ID7          # IC0505
canister status TARGET --json
canister snapshot restore TARGET ID4
canister snapshot restore TARGET ID3
canister status TARGET --json
canister snapshot download TARGET ID3 --output OUT
canister snapshot download TARGET ID3 --output OUT     # not empty
canister snapshot download TARGET ID9 --output OUT2    # IC0305
canister snapshot download TARGET ID4 --output OUT3    # zeros at the end
canister snapshot create TARGET --json        # ID8
canister snapshot create TARGET --json
canister snapshot create TARGET --json        # ID10, the tenth is next
canister snapshot create TARGET --json        # IC0406 where it is one too many
canister snapshot upload TARGET --input GOOD --json
canister snapshot upload TARGET --input GOOD --json --replace ID8
canister snapshot delete TARGET ID5
canister snapshot delete TARGET ID5           # IC0305
canister snapshot list TARGET --json
canister start TARGET
canister start TARGET
canister status TARGET --json
canister status UNKNOWN --json
canister stop UNKNOWN
canister snapshot list UNKNOWN --json
canister stop name
canister stop TARGET --identity nobody
canister snapshot create TARGET --json --quiet
canister status TARGET --json --id-only
canister snapshot restore TARGET 0x
canister snapshot upload TARGET
";

/// The heap that the target has at first.
pub(crate) static HEAP: [u8; 65_536] = [7; 65_536];

/// The module that the target has at first: the smallest that there is.
pub(crate) fn module() -> Vec<u8> {
    b"\0asm\x01\0\0\0".to_vec()
}

/// Methods of the target, and what they reply; `broken` rejects, and others are not there.
pub(crate) const METHODS: [(&str, &str); 1] = [("health", "(true)")];

/// What a command did, as far as it must be the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// The command as it stands in the script.
    pub(crate) command: String,
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// Its stdout, with times left out.
    pub(crate) stdout: String,
    /// The error code of the IC that its stderr names.
    pub(crate) error_code: Option<String>,
    /// Its first line of error, with everything particular left out; empty where that is the replica's wording.
    pub(crate) error: String,
}

/// Runs the script by a program, with `base` (network, root key) added to every command on a canister.
///
/// `scratch` is an empty folder; it holds the home of icp, too.
pub(crate) fn run(
    program: &Utf8Path,
    base: &[&str],
    target: &str,
    owner_bytes: &[u8],
    scratch: &Utf8Path,
) -> Vec<Step> {
    make_directories(scratch);
    let steps = SCRIPT.lines().map(|line| line.split_once(" #").map_or(line, |(command, _)| command).trim());
    let unknown = "5h5yf-eiaaa-aaaaa-qaada-cai";
    let mut steps: Vec<Step> = steps
        .filter(|line| !line.is_empty())
        .map(|line| {
            let words = line.split_whitespace().map(|word| match word {
                "TARGET" => target.to_owned(),
                "UNKNOWN" => unknown.to_owned(),
                "FOREIGN" => format!("{:016x}{}", 0, "00000000000000070101"),
                "GOOD" | "SHORT" | "LONG" | "LACKING" | "BARE" | "TORN" | "BROKEN" | "OUT" | "OUT2" => {
                    scratch.join(word).into_string()
                }
                word => match word.strip_prefix("ID").and_then(|number| number.parse::<u64>().ok()) {
                    Some(number) => format!("{number:016x}{}", hex::encode(owner_bytes)),
                    None => word.to_owned(),
                },
            });
            let mut command = Command::new(program);
            command.args(words).env_clear();
            command.env("ICP_HOME", scratch.join("home")).env("DO_NOT_TRACK", "1");
            if line.starts_with("canister") {
                command.args(base);
            }
            let output = command.current_dir(scratch).output().unwrap();
            step(line, &output, scratch)
        })
        .collect();
    steps.push(Step {
        command: "files".to_owned(),
        code: None,
        stdout: files(scratch),
        error_code: None,
        error: String::new(),
    });
    steps
}

/// The directories as the commands left them: each file with its digest, but the times in metadata.
fn files(scratch: &Utf8Path) -> String {
    let mut lines = Vec::new();
    let mut folders: Vec<_> = vec![scratch.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            let name = path.strip_prefix(scratch).unwrap();
            if name == "home" {
                continue;
            }
            if path.is_dir() {
                lines.push(format!("{name}/\n"));
                folders.push(path);
                continue;
            }
            let text = std::fs::read(&path).unwrap();
            lines.push(match path.file_name() {
                Some("metadata.json") => format!("{name} {} bytes\n", text.len()),
                _ => format!("{name} {}\n", Digest::of(text)),
            });
        }
    }
    lines.sort();
    lines.concat()
}

/// The files of the artifacts, and how each is spoilt.
fn make_directories(scratch: &Utf8Path) {
    let parts = |name: &str| -> Utf8PathBuf {
        let directory = scratch.join(name);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("wasm_module.bin"), b"\0asm\x01\0\0\0\0\x01\0").unwrap();
        std::fs::write(directory.join("wasm_memory.bin"), [9; 3000]).unwrap();
        std::fs::write(directory.join("stable_memory.bin"), [5; 500]).unwrap();
        std::fs::write(directory.join("metadata.json"), metadata()).unwrap();
        directory
    };
    parts("GOOD");
    std::fs::write(parts("SHORT").join("wasm_memory.bin"), [9; 100]).unwrap();
    std::fs::write(parts("LONG").join("wasm_memory.bin"), [9; 3001]).unwrap();
    std::fs::remove_file(parts("LACKING").join("wasm_memory.bin")).unwrap();
    std::fs::remove_file(parts("BARE").join("metadata.json")).unwrap();
    std::fs::write(parts("TORN").join("metadata.json"), &metadata()[..50]).unwrap();
    std::fs::write(parts("BROKEN").join("wasm_module.bin"), [1; 11]).unwrap();
}

/// `metadata.json` of a module of 11 bytes, a heap of 3000 and a stable memory of 500.
pub(crate) fn metadata() -> String {
    r#"{"source":{"taken_from_canister":null},"taken_at_timestamp":1795433192760686641,"wasm_module_size":11,
"globals":[],"wasm_memory_size":3000,"stable_memory_size":500,"wasm_chunk_store":[],"canister_version":3,
"certified_data":[],"global_timer":"inactive","on_low_wasm_memory_hook_status":"condition_not_satisfied"}"#
        .to_owned()
}

fn step(line: &str, output: &std::process::Output, scratch: &Utf8Path) -> Step {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    let error = stderr.lines().find(|line| line.starts_with("Error: ")).unwrap_or_default();
    let error_code = stderr
        .split_once("error code Some(\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(code, _)| code.to_owned());
    let error = match &error_code {
        Some(_) => String::new(),
        None => error.replace(scratch.as_str(), "SCRATCH"),
    };
    Step { command: line.to_owned(), code: output.status.code(), stdout: without_times(&stdout), error_code, error }
}

/// Replaces the numbers of `taken_at_timestamp`, and what lists for people say of it.
fn without_times(stdout: &str) -> String {
    let mut parts = stdout.split("\"taken_at_timestamp\":");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += "\"taken_at_timestamp\":TIME";
        out += part.trim_start_matches(|digit: char| digit.is_ascii_digit());
    }
    let lines = out.split_inclusive('\n').map(|line| match line.split_once(", taken at ") {
        Some((line, _)) => format!("{line}, taken at TIME\n"),
        None => line.to_owned(),
    });
    lines.collect()
}
