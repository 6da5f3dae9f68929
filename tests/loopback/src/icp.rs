//! The real `icp`: where it is, a home for it, and how to run it.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use camino::{Utf8Path, Utf8PathBuf};
use candid::Principal;
use tempfile::TempDir;

use crate::Network;

/// Names another `icp` than the pinned one.
const ICP_VARIABLE: &str = "ICP_RESTORE_TEST_ICP";

/// Where `npm ci --prefix tests/npm` puts it.
const PINNED: &str = "npm/node_modules/@icp-sdk/icp-cli-linux-x64/bin/icp";

/// The `icp` of `ICP_RESTORE_TEST_ICP`, else the pinned one, if it is there.
pub fn icp_binary() -> Option<Utf8PathBuf> {
    let named = std::env::var(ICP_VARIABLE).ok().map(Utf8PathBuf::from);
    let tests = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let found = named.unwrap_or_else(|| tests.join(PINNED));
    found.is_file().then_some(found)
}

/// The `icp` for a test that has no meaning without it.
///
/// Where `CI` is set, its absence is a panic. Elsewhere it is `None`, and a line on stderr that the
/// test harness does not capture.
pub fn require_icp() -> Option<Utf8PathBuf> {
    const INSTALL: &str = "run: npm ci --prefix tests/npm";
    let found = icp_binary();
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "the real icp is missing; {INSTALL}");
        let test = std::thread::current();
        let name = test.name().unwrap_or("a test");
        writeln!(std::io::stderr(), "SKIPPED {name}: no icp; {INSTALL}").ok();
    }
    found
}

/// A temporary `ICP_HOME` with one plaintext identity, which is its default.
pub struct IcpHome {
    binary: Utf8PathBuf,
    directory: TempDir,
    principal: Principal,
}

impl IcpHome {
    /// Makes the home with the real `icp`; panics where that fails.
    pub fn new(binary: &Utf8Path) -> Self {
        let mut home = Self {
            binary: binary.to_owned(),
            directory: TempDir::new().expect("a temporary directory"),
            principal: Principal::anonymous(),
        };
        home.principal = home.new_identity("operator");
        home.must(&["identity", "default", "operator"]);
        home
    }

    /// For `ICP_HOME`.
    pub fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).expect("a temporary directory in UTF-8")
    }

    /// The default identity's.
    pub fn principal(&self) -> Principal {
        self.principal
    }

    /// One more identity, for `--identity`.
    pub fn new_identity(&self, name: &str) -> Principal {
        let seed = self.path().join(format!("{name}.seed"));
        self.must(&["identity", "new", name, "--storage", "plaintext", "--output-seed", seed.as_str()]);
        let text = self.must(&["identity", "principal", "--identity", name]);
        Principal::from_text(text.trim()).expect("icp prints a principal")
    }

    /// `icp` in this home, with nothing of our own environment but the path.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("ICP_HOME", self.path())
            .env("CI", "1")
            .env("DO_NOT_TRACK", "1")
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    fn must(&self, args: &[&str]) -> String {
        let run = Run::from(self.command().args(args).output().expect("icp starts"));
        assert!(run.success(), "icp {args:?}: {}", run.stderr);
        run.stdout
    }
}

/// `icp` against one network.
pub struct Icp<'a> {
    home: &'a IcpHome,
    network: &'a Network,
}

impl<'a> Icp<'a> {
    /// The home's default identity signs.
    pub fn new(home: &'a IcpHome, network: &'a Network) -> Self {
        Self { home, network }
    }

    /// Runs `icp ARGS -n URL -k KEY` to its end.
    pub fn run(&self, args: &[&str]) -> Run {
        Run::from(self.command(args).output().expect("icp starts"))
    }

    /// The same command, to be started and killed.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command();
        command
            .args(args)
            .args(["-n", &self.network.url()])
            .args(["-k", &self.network.root_key_hex()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// What a run of `icp` left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Absent if a signal ended it.
    pub code: Option<i32>,
    /// All of it.
    pub stdout: String,
    /// All of it.
    pub stderr: String,
}

impl Run {
    /// Exit 0.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// The JSON on stdout; panics if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
