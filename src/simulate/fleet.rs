//! The fleet's folder: a directory for each canister, locked one by one, so that thousands of canisters and many
//! processes at once cost no more than few.
//!
//! A change is written beside the state, then entered in the log, then renamed into place. The log's line is what
//! makes it happen: a process killed before it leaves nothing, one killed after it leaves a change that the next
//! process to touch the canister puts into place. So the log has exactly one line for each effect.

mod add;

use std::{collections::BTreeMap, fs, fs::File, io::ErrorKind, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Canister, CanisterSpec, Entry, Error, Fault, Status, log, strike};
use crate::id::{Name, Principal};

/// A simulated fleet on disk.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The folder with the program's link; the fleet is in `fleet/` below it.
    folder: Utf8PathBuf,
    root: Utf8PathBuf,
}

/// What holds for a fleet as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Config {
    /// Who calls where no `--identity` is given; at first `anonymous`, as in a fresh home of icp.
    pub caller: Principal,
    /// The identities by name.
    pub identities: BTreeMap<String, Principal>,
    /// Bytes of a chunk of an upload or download; icp's are 2,000,000.
    pub chunk: u64,
    /// Artifacts' files up to this size are copied, so that they may change or go after their upload; larger ones
    /// are referred to.
    pub copy_up_to: u64,
    /// How long a call may take until icp gives up.
    pub call_timeout: Duration,
    /// Whether a snapshot may be loaded onto another canister, as the IC allows since September 2025.
    pub foreign_load: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            caller: Principal::anonymous(),
            identities: BTreeMap::new(),
            chunk: 2_000_000,
            copy_up_to: 8_000_000,
            call_timeout: Duration::from_secs(300),
            foreign_load: false,
        }
    }
}

impl Fleet {
    /// Makes a fleet in a folder.
    ///
    /// # Errors
    /// The folder cannot be written, has a fleet already, or two canisters are one.
    pub fn create(folder: &Utf8Path, canisters: &[CanisterSpec]) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let fleet = Self::at(folder)?;
        fs::create_dir(&fleet.root).map_err(Error::io("create", &fleet.root))?;
        for part in ["names", "barriers", "data"] {
            let path = fleet.root.join(part);
            fs::create_dir(&path).map_err(Error::io("create", &path))?;
        }
        save(&fleet.root.join("config.json"), &Config::default())?;
        for spec in canisters {
            fleet.add(spec)?;
        }
        Ok(fleet)
    }

    /// Opens the fleet in a folder.
    ///
    /// # Errors
    /// There is none.
    pub fn open(folder: &Utf8Path) -> Result<Self, Error> {
        let fleet = Self::at(folder)?;
        let config = fleet.root.join("config.json");
        fs::metadata(&config).map_err(Error::io("find", &config))?;
        Ok(fleet)
    }

    /// Links a program of ours (`std::env::current_exe`, say) beside the fleet and gives the link: the stand-in for
    /// `icp`, to be started by this path.
    ///
    /// # Errors
    /// The link cannot be made.
    pub fn install(&self, program: &Utf8Path) -> Result<Utf8PathBuf, Error> {
        let link = self.folder.join("icp");
        std::os::unix::fs::symlink(program, &link).map_err(Error::io("link", &link))?;
        Ok(link)
    }

    /// What holds for the whole fleet.
    ///
    /// # Errors
    /// The fleet is gone or damaged.
    pub fn config(&self) -> Result<Config, Error> {
        load(&self.root.join("config.json"))
    }

    /// Changes what holds for the whole fleet.
    ///
    /// # Errors
    /// The fleet is gone, damaged or cannot be written.
    pub fn configure(&self, change: impl FnOnce(&mut Config)) -> Result<(), Error> {
        let mut config = self.config()?;
        change(&mut config);
        save(&self.root.join("config.json"), &config)
    }

    /// A canister as it is now.
    ///
    /// # Errors
    /// There is none such, or its files are damaged.
    pub fn canister(&self, id: Principal) -> Result<Canister, Error> {
        Ok(self.hold(id)?.canister)
    }

    /// Changes a canister behind everybody's back: nothing is logged.
    ///
    /// # Errors
    /// There is none such, or its files are damaged or cannot be written.
    pub fn update<T>(&self, id: Principal, change: impl FnOnce(&mut Canister) -> T) -> Result<T, Error> {
        let mut held = self.hold(id)?;
        let out = change(&mut held.canister);
        save(&held.directory.join("state.json"), &held.canister)?;
        Ok(out)
    }

    /// The canister of a name.
    ///
    /// # Errors
    /// The fleet is gone or damaged.
    pub fn named(&self, name: &Name) -> Result<Option<Principal>, Error> {
        let path = self.root.join("names").join(name.as_str());
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            text => {
                let text = text.map_err(Error::io("read", &path))?;
                Ok(Principal::from_text(text.trim()).ok())
            }
        }
    }

    /// All named canisters, in the order of their names.
    ///
    /// # Errors
    /// The fleet is gone or damaged.
    pub fn names(&self) -> Result<Vec<(Name, Principal)>, Error> {
        let directory = self.root.join("names");
        let listing = directory.read_dir_utf8().map_err(Error::io("read", &directory))?;
        let mut names = Vec::new();
        for file in listing {
            let file = file.map_err(Error::io("read", &directory))?;
            if let Ok(name) = file.file_name().parse()
                && let Some(id) = self.named(&name)?
            {
                names.push((name, id));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Every call that was applied, in order.
    ///
    /// # Errors
    /// The log is damaged.
    pub fn log(&self) -> Result<Vec<Entry>, Error> {
        log::read(&self.log_path())
    }

    /// Adds a fault, which then fires as often as it says.
    ///
    /// # Errors
    /// The fleet cannot be written.
    pub fn inject(&self, fault: &Fault) -> Result<(), Error> {
        strike::add(&self.root, fault)
    }

    /// The faults that have struck nothing so far.
    ///
    /// # Errors
    /// The fleet is damaged.
    pub fn waiting(&self) -> Result<Vec<Fault>, Error> {
        strike::waiting(&self.root)
    }

    /// Whether a process waits at a barrier, or did.
    pub fn reached(&self, barrier: &Name) -> bool {
        self.barrier(barrier, "reached").exists()
    }

    /// Lets processes pass a barrier, now and from now on.
    ///
    /// # Errors
    /// The fleet cannot be written.
    pub fn release(&self, barrier: &Name) -> Result<(), Error> {
        let path = self.barrier(barrier, "release");
        fs::write(&path, "").map_err(Error::io("write", &path))
    }

    pub(super) fn root(&self) -> &Utf8Path {
        &self.root
    }

    pub(super) fn barrier(&self, name: &Name, what: &str) -> Utf8PathBuf {
        self.root.join("barriers").join(format!("{name}.{what}"))
    }

    /// Where the fleet keeps bytes: of snapshots under their ids, of canisters by digest, once for all that have
    /// the same.
    pub(super) fn data(&self, name: &str) -> Utf8PathBuf {
        self.root.join("data").join(name)
    }

    /// Locks a canister until the answer is dropped.
    pub(super) fn hold(&self, id: Principal) -> Result<Held, Error> {
        let directory = self.directory(id);
        let lock = match File::open(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Error::NoCanister(id)),
            lock => lock.map_err(Error::io("open", &directory))?,
        };
        lock.lock().map_err(Error::io("lock", &directory))?;
        self.put_into_place(&directory)?;
        let mut canister: Canister = load(&directory.join("state.json"))?;
        if canister.status == Status::Stopping && canister.stops_at.is_some_and(|at| at <= Timestamp::now()) {
            canister.set_status(Status::Stopped);
        }
        Ok(Held { status_before: canister.status, canister, directory, log: self.log_path(), _lock: lock })
    }

    /// Ends a change that a killed process had entered in the log, and forgets one that it had not.
    fn put_into_place(&self, directory: &Utf8Path) -> Result<(), Error> {
        let next = directory.join("next.json");
        if !next.exists() {
            return Ok(());
        }
        let entered = match load::<Canister>(&next) {
            Ok(canister) => log::read(&self.log_path())?
                .iter()
                .any(|entry| entry.n == canister.applied && entry.canister == canister.principal),
            // Killed while it wrote.
            Err(_) => false,
        };
        if entered {
            fs::rename(&next, directory.join("state.json")).map_err(Error::io("rename", &next))
        } else {
            fs::remove_file(&next).map_err(Error::io("remove", &next))
        }
    }

    /// By its whole path: data is found by it from wherever the stand-in is started.
    fn at(folder: &Utf8Path) -> Result<Self, Error> {
        let folder = folder.canonicalize_utf8().map_err(Error::io("find", folder))?;
        Ok(Self { root: folder.join("fleet"), folder })
    }

    fn directory(&self, id: Principal) -> Utf8PathBuf {
        self.root.join(id.to_text())
    }

    fn log_path(&self) -> Utf8PathBuf {
        self.root.join("log.jsonl")
    }
}

/// A canister under its lock.
pub(super) struct Held {
    pub(super) canister: Canister,
    pub(super) status_before: Status,
    directory: Utf8PathBuf,
    log: Utf8PathBuf,
    _lock: File,
}

impl Held {
    /// Enters a call in the log and, if it can change anything, puts the changed canister into place.
    pub(super) fn commit(mut self, method: &str, mutates: bool, detail: Value) -> Result<(), Error> {
        let mut log = log::lock(&self.log)?;
        let entry = Entry {
            n: log.last + 1,
            at: Timestamp::now(),
            canister: self.canister.principal,
            method: method.to_owned(),
            mutates,
            detail,
            status_before: self.status_before,
        };
        let next = self.directory.join("next.json");
        if mutates {
            self.canister.applied = entry.n;
            write(&next, &self.canister)?;
        }
        log.append(&entry)?;
        if mutates {
            let state = self.directory.join("state.json");
            fs::rename(&next, &state).map_err(Error::io("rename", &next))?;
        }
        Ok(())
    }
}

/// Reads a file of the fleet.
pub(super) fn load<T: DeserializeOwned>(path: &Utf8Path) -> Result<T, Error> {
    let text = fs::read(path).map_err(Error::io("read", path))?;
    serde_json::from_slice(&text).map_err(|source| Error::Damaged { path: path.to_owned(), source })
}

/// Writes a file of the fleet so that readers see the old one or the new one.
pub(super) fn save<T: Serialize>(path: &Utf8Path, value: &T) -> Result<(), Error> {
    let new = path.with_extension("new");
    write(&new, value)?;
    fs::rename(&new, path).map_err(Error::io("rename", &new))
}

fn write<T: Serialize>(path: &Utf8Path, value: &T) -> Result<(), Error> {
    let text = serde_json::to_vec(value).map_err(|source| Error::Damaged { path: path.to_owned(), source })?;
    fs::write(path, text).map_err(Error::io("write", path))
}

/// Nanoseconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default()
}
