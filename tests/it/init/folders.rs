//! Plans of folders with artifacts in them.

use std::{fs, os::unix::fs::symlink, process::Output};

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::diagnostic::Source;
use serde_json::Value;
use tempfile::TempDir;

use crate::adopt::command;

struct Folder {
    _folder: TempDir,
    path: Utf8PathBuf,
}

impl Folder {
    /// Copies of an artifact of the demo at each of the paths.
    fn new(artifacts: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        for artifact in artifacts {
            let to = path.join(artifact);
            fs::create_dir_all(&to).unwrap();
            for file in fs::read_dir("plans/demo-backup/artifacts/app").unwrap() {
                let file = file.unwrap();
                if file.file_type().unwrap().is_file() {
                    fs::copy(file.path(), to.join(file.file_name().to_str().unwrap())).unwrap();
                }
            }
        }
        Self { _folder: folder, path }
    }

    fn run(&self, args: &[&str]) -> Output {
        command(env!("CARGO_BIN_EXE_icp-restore")).args(args).current_dir(&self.path).output().unwrap()
    }

    fn init(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = self.run(&[&["init"], args].concat());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

const APP: &str = "r7inp-6aaaa-aaaaa-aaabq-cai";
const ROOT: &str = "rrkah-fqaaa-aaaaa-aaaaq-cai";

#[test]
fn a_plan_in_which_nothing_is_left_open_passes_its_check() {
    let app = format!("backup/{APP}/artifact");
    let root = format!("backup/deep/er/{ROOT}");
    let folder = Folder::new(&[&app, &root]);
    let (code, _, said) = folder.init(&["backup"]);
    assert_eq!(code, Some(0), "{said}");
    let check = folder.run(&["check", "backup.toml", "--artifacts"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let text = fs::read_to_string(folder.path.join("backup.toml")).unwrap();
    let plan = icp_restore::plan::read(&Source::new("plan", text.as_str())).unwrap().plan;
    let members: Vec<_> = plan.members.iter().map(|m| (m.name.as_str(), m.source.to_text())).collect();
    assert_eq!(members, [(ROOT, ROOT.to_owned()), ("artifact", APP.to_owned())]);
    assert!(
        text.contains("# 328105 bytes in 4 files: module 18, heap 131072, stable memory 196608, 0 chunks"),
        "{text}"
    );

    // The same again, from elsewhere and to elsewhere, but for the way to the backup.
    fs::create_dir(folder.path.join("plans")).unwrap();
    assert_eq!(folder.init(&["./backup/", "--output", "plans/fleet.toml"]).0, Some(0));
    let other = fs::read_to_string(folder.path.join("plans/fleet.toml")).unwrap();
    assert_eq!(other, text.replace("root = \"backup\"", "root = \"../backup\""));
    assert!(folder.run(&["check", "plans/fleet.toml", "--artifacts"]).status.success());
    let (code, stdout, _) = folder.init(&["backup", "--output", "-"]);
    assert_eq!((code, stdout), (Some(0), text));
}

#[test]
fn check_points_at_what_is_to_be_filled_in() {
    let folder = Folder::new(&["b/app", "b/x/app", "b/.hub"]);
    let (code, _, said) = folder.init(&["b"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the network and 3 more places"), "{said}");
    let output = folder.run(&["check", "b.toml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = fs::read_to_string(folder.path.join("b.toml")).unwrap();
    let errors = report["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] == "error");
    let lines: Vec<&str> = errors
        .map(|d| text.lines().nth(d["labels"][0]["start"]["line"].as_u64().unwrap() as usize - 1).unwrap())
        .collect();
    assert_eq!(lines, ["source = \"\"  # FILL IN the canister that the snapshot came from"; 3]);
    let names = text.lines().filter(|line| line.starts_with("name = ")).collect::<Vec<_>>();
    assert_eq!(names, ["name = \"b\"", "name = \"hub\"", "name = \"app\"", "name = \"app-2\""]);
}

#[test]
fn a_file_that_is_there_stays_unless_it_is_forced() {
    let folder = Folder::new(&["b/app"]);
    fs::write(folder.path.join("b.toml"), "mine").unwrap();
    let (code, _, said) = folder.init(&["b"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--force"), "{said}");
    assert_eq!(fs::read_to_string(folder.path.join("b.toml")).unwrap(), "mine");
    assert_eq!(folder.init(&["b", "--force"]).0, Some(0));
    assert!(fs::read_to_string(folder.path.join("b.toml")).unwrap().starts_with('#'));
}

#[test]
fn a_folder_that_is_an_artifact_is_the_one_member() {
    let folder = Folder::new(&["backup/app"]);
    let (code, stdout, said) = folder.init(&["backup/app", "--output", "-"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(stdout.contains("root = \"backup\"") && stdout.contains("artifact = \"app\""), "{stdout}");
}

#[test]
fn what_is_no_artifact_or_cannot_be_sealed_is_said() {
    let folder = Folder::new(&["b/app"]);
    fs::create_dir(folder.path.join("empty")).unwrap();
    let (code, _, said) = folder.init(&["empty"]);
    assert!(code == Some(3) && said.contains("no artifact"), "{said}");
    let (code, _, said) = folder.init(&["--from", "b"]);
    assert!(code == Some(3) && said.contains("icp-restore init b"), "{said}");
    let (code, _, said) = folder.init(&["b", "--mapping", "m.json"]);
    assert!(code == Some(2) && said.contains("manifest"), "{said}");
    let (code, _, said) = folder.init(&["bb"]);
    assert!(code == Some(1) && said.contains("name `b`, which is beside it"), "{said}");
    let (code, _, said) = folder.init(&["b", "--output", "missing/b.toml"]);
    assert!(code == Some(1) && !said.contains(".tmp"), "{said}");
    assert_eq!(folder.init(&[]).0, Some(2));
    symlink("/etc/hostname", folder.path.join("b/app/link")).unwrap();
    let (code, _, said) = folder.init(&["b"]);
    assert!(code == Some(3) && said.contains("link"), "{said}");
    assert!(!folder.path.join("b.toml").exists());
}
