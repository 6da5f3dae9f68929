//! SHA-256 of many files at once, at the speed of the machine.
//!
//! The digest of one file is sequential, so the work is spread by file, the largest first: a huge one keeps one thread
//! busy while the others take the rest. Hashing on the threads that read costs nothing over a pipeline as long as the
//! kernel reads ahead.

use std::{
    fs::File,
    io::{self, Read as _},
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use sha2::{Digest as _, Sha256};

use crate::id::Digest;

/// How far the hashing went since the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Bytes hashed in this step.
    pub bytes: u64,
    /// Bytes that there are to hash in all steps together.
    pub total: u64,
}

/// Is told of each step, by any of the threads; a break makes all of them stop at their next step.
pub type Watch<'a> = &'a (dyn Fn(Step) -> ControlFlow<()> + Sync);

/// One file to hash.
#[derive(Debug)]
pub(super) struct Job<T> {
    /// What the caller knows it by.
    pub(super) key: T,
    /// Its size in bytes when it was listed.
    pub(super) size: u64,
}

/// Why a file has no digest.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system refused.
    Io(io::Error),
    /// It was written to, or has not the size that it had when it was listed.
    Changed,
    /// The watch said stop.
    Stopped,
}

/// A read this large fills no cache that the hasher needs, and few calls are made.
const BUFFER: usize = 1 << 20;

/// The digests of files in the order of the jobs. `open` is called on the threads, right before a file is read.
pub(super) fn all<T: Sync>(
    jobs: &[Job<T>],
    threads: NonZeroUsize,
    watch: Watch<'_>,
    open: impl Fn(&T) -> io::Result<File> + Sync,
) -> Vec<Result<Digest, Fault>> {
    let total = jobs.iter().map(|job| job.size).sum();
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(jobs[at].size));
    let stopped = AtomicBool::new(false);
    let step = |bytes| {
        if watch(Step { bytes, total }).is_break() {
            stopped.store(true, Ordering::Relaxed);
        }
        !stopped.load(Ordering::Relaxed)
    };
    let mut results = each(&order, threads, |&at| {
        if stopped.load(Ordering::Relaxed) {
            return (at, Err(Fault::Stopped));
        }
        let job = &jobs[at];
        let result = open(&job.key).map_err(Fault::Io);
        (at, result.and_then(|file| digest(file, job.size, &step)))
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Does work on every item on a number of threads, this one included; results come in the order in which they end.
pub(super) fn each<T: Sync, R: Send>(items: &[T], threads: NonZeroUsize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (send, receive) = mpsc::channel();
    let next = AtomicUsize::new(0);
    let worker = |send: mpsc::Sender<R>| {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if send.send(work(item)).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(items.len()) {
            let (send, worker) = (send.clone(), &worker);
            // A thread that the system does not give is one less: the others do its share.
            if thread::Builder::new().spawn_scoped(scope, move || worker(send)).is_err() {
                break;
            }
        }
        worker(send);
        receive.iter().collect()
    })
}

fn digest(mut file: File, size: u64, step: &impl Fn(u64) -> bool) -> Result<Digest, Fault> {
    let before = file.metadata().map_err(Fault::Io)?;
    if before.len() != size {
        return Err(Fault::Changed);
    }
    let mut hasher = Sha256::new();
    // One byte more than a small file has, so that its end is seen without a second buffer.
    let mut buffer = vec![0; BUFFER.min(usize::try_from(size).unwrap_or(BUFFER) + 1)];
    let mut seen = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Fault::Io(error)),
        };
        hasher.update(&buffer[..read]);
        seen += read as u64;
        if seen > size {
            return Err(Fault::Changed);
        }
        if !step(read as u64) {
            return Err(Fault::Stopped);
        }
    }
    let after = file.metadata().map_err(Fault::Io)?;
    if seen != size || after.modified().ok() != before.modified().ok() {
        return Err(Fault::Changed);
    }
    Ok(Digest(hasher.finalize().into()))
}
