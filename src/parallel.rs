//! The same for many, so many at once.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What comes of each item, in their order, by at most so many threads, of which this is one.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], most: u32, make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, made) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(items.len())));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = make(item);
            if let Ok(mut made) = made.lock() {
                made.push((index, result));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..items.len().min(most as usize) {
            // On a machine that has no more threads it takes longer.
            let _started = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut made = made.into_inner().unwrap_or_default();
    made.sort_unstable_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, result)| result).collect()
}
