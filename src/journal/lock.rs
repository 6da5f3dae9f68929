//! The lock of a journal, held by the kernel: no lock outlives its process.

use std::{
    fs::{File, TryLockError},
    time::{Duration, Instant},
};

use camino::Utf8Path;

use super::{Error, load};

/// How long a lock may outlive its run: a process that it was just starting holds it until it becomes icp.
const GRACE: Duration = Duration::from_secs(1);

/// Whether a run is at a journal now.
pub fn is_locked(path: &Utf8Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Locks a journal until its file is closed.
pub(super) fn take(file: &File, path: &Utf8Path) -> Result<(), Error> {
    let until = Instant::now() + GRACE;
    let mut locked = file.try_lock();
    while matches!(locked, Err(TryLockError::WouldBlock)) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let holder = load(path).ok().and_then(|replay| replay.holder);
            let holder = holder.map(|(who, since)| {
                format!("process {} on {}, since {}", who.pid, who.host, since.strftime("%Y-%m-%d %H:%M:%S UTC"))
            });
            Err(Error::Locked { path: path.to_owned(), holder })
        }
        Err(TryLockError::Error(source)) => Err(Error::io("lock", path, source)),
    }
}
