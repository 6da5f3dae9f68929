//! Runs commands through duct: scrubbed environment, no input, a process group of their own, output to files, a deadline.
//!
//! Output goes to files and not to pipes, so that a grandchild that keeps a pipe open cannot hold a run up, and so that
//! the result of a command survives the death of the runner. The file for stderr is locked while any process of the
//! command lives: the lock belongs to the open file that they all inherit, so a later run sees an orphan at work.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::{
        fs::{FileExt as _, OpenOptionsExt as _},
        process::{CommandExt as _, ExitStatusExt as _},
    },
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use camino::Utf8Path;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use super::{Command, How, Run};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With a status; of icp, 0 is success, 1 any failure and 2 usage, before anything is sent.
    Code(i32),
    /// By a signal that was not ours.
    Signal(i32),
    /// Ended by us: its time was up, or the run was interrupted for the second time.
    Ended,
}

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Reply {
    /// How it ended.
    pub exit: Exit,
    /// What it printed; of more than 4 Mi bytes the last.
    pub stdout: String,
    /// Its errors and progress.
    pub stderr: String,
}

/// Where output goes.
#[derive(Debug, Clone, Copy)]
pub enum Files<'a> {
    /// To files that outlive the runner, at `PATH.stdout` and `PATH.stderr`.
    Kept(&'a Utf8Path),
    /// To files without a name.
    Temporary,
}

/// Signals that the run has received: at two, commands under way are ended.
#[derive(Debug, Default)]
pub struct Interrupt(pub AtomicUsize);

/// Real processes.
#[derive(Debug)]
pub struct Process {
    environment: BTreeMap<String, String>,
}

/// How much of an output is read back.
const LARGEST: u64 = 4 << 20;

/// How long a command has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(10);

/// What of our environment icp may see: where its home, its keys and its certificates are, and how to reach the network.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "ICP_HOME",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
const PROXIES: &[&str] =
    &["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

impl Interrupt {
    /// Whether no new work is to begin.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    /// Waits so long, or until it is set; whether it is not.
    pub fn wait(&self, time: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < time && !self.is_set() {
            std::thread::sleep(Duration::from_millis(50).min(time.saturating_sub(begun.elapsed())));
        }
        !self.is_set()
    }

    fn is_urgent(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 1
    }
}

impl Process {
    /// Takes what icp may see from our environment. A proxy for requests to this very machine is never meant, but icp
    /// would use it, so `local` networks get none.
    pub fn new(local: bool) -> Self {
        let proxies = if local { &[] } else { PROXIES };
        let kept = KEPT.iter().chain(proxies).filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        let mut environment: BTreeMap<String, String> = kept.collect();
        // Without these icp writes telemetry, and prints a notice of it, on first use.
        for (name, value) in [("CI", "1"), ("DO_NOT_TRACK", "1"), ("NO_COLOR", "1")] {
            environment.insert(name.to_owned(), value.to_owned());
        }
        Self { environment }
    }
}

impl Run for Process {
    fn run(&self, command: &Command, how: &How<'_>) -> io::Result<Reply> {
        let (stdout, stderr) = open(how.files)?;
        // A command that still writes there is not ours to wait for.
        stderr.try_lock().map_err(io::Error::from)?;
        let handle = duct::cmd(&command.program, &command.args)
            .full_env(&self.environment)
            .stdin_null()
            .stdout_file(stdout.try_clone()?)
            .stderr_file(stderr.try_clone()?)
            .unchecked()
            .before_spawn(|command| {
                command.process_group(0);
                Ok(())
            })
            .start()?;
        // From here on the command may have had its effect: nothing is an error any more.
        let begun = Instant::now();
        let mut ended: Option<Instant> = None;
        let status = loop {
            match handle.wait_timeout(Duration::from_millis(100)) {
                Ok(Some(output)) => break Some(output.status),
                Ok(None) => {}
                Err(_) => break None,
            }
            match ended {
                None if begun.elapsed() >= how.timeout || how.interrupt.is_urgent() => {
                    signal(&handle, Signal::SIGTERM);
                    ended = Some(Instant::now());
                }
                Some(since) if since.elapsed() >= GRACE => signal(&handle, Signal::SIGKILL),
                _ => {}
            }
        };
        let exit = match (ended, status.and_then(|status| status.code()), status.and_then(|status| status.signal())) {
            (None, Some(code), _) => Exit::Code(code),
            (None, None, Some(signal)) => Exit::Signal(signal),
            _ => Exit::Ended,
        };
        let text = |file| read(file).unwrap_or_else(|error| format!("the output cannot be read: {error}"));
        Ok(Reply { exit, stdout: text(&stdout), stderr: text(&stderr) })
    }
}

/// Whether a process of the command that wrote to these files is still alive.
pub(crate) fn is_alive(files: &Utf8Path) -> bool {
    let Ok(stderr) = OpenOptions::new().write(true).open(format!("{files}.stderr")) else { return false };
    matches!(stderr.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

/// Removes what a command of another journal has left under this name: it is not to be taken for what this one prints.
pub(crate) fn clear(files: &Utf8Path) -> io::Result<()> {
    for end in ["stdout", "stderr"] {
        let file = format!("{files}.{end}");
        match fs::remove_file(&file) {
            // Or it may be there again once power was lost.
            Ok(()) => File::open(crate::plan::folder(file.as_str().into()))?.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What a command printed of which only the files are left.
pub(crate) fn left_behind(files: &Utf8Path) -> Option<(String, String)> {
    let open = |end: &str| read(&File::open(format!("{files}.{end}")).ok()?).ok();
    Some((open("stdout")?, open("stderr")?))
}

/// A file that nobody else sees.
fn temporary() -> io::Result<File> {
    let place = std::env::temp_dir();
    let told =
        |error: io::Error| io::Error::new(error.kind(), format!("no file can be made in {}: {error}", place.display()));
    tempfile::tempfile().map_err(told)
}

fn open(files: Files<'_>) -> io::Result<(File, File)> {
    match files {
        Files::Temporary => temporary().and_then(|stdout| Ok((stdout, temporary()?))),
        Files::Kept(path) => {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(true).mode(0o600);
            Ok((options.open(format!("{path}.stdout"))?, options.open(format!("{path}.stderr"))?))
        }
    }
}

/// Reads without moving the offset, which a process that outlived its parent may still write at.
fn read(file: &File) -> io::Result<String> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LARGEST);
    let mut bytes = vec![0; usize::try_from(length - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// To the whole group, so that nothing that the command has started stays behind.
fn signal(handle: &duct::Handle, signal: Signal) {
    for pid in handle.pids() {
        if let Ok(pid) = i32::try_from(pid) {
            // A group that is gone needs no signal.
            let _gone = killpg(Pid::from_raw(pid), signal);
        }
    }
}
