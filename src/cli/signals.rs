//! Signals: the first asks a run to come to its end in order, a second one ends it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{Exit, Failure};
use crate::icp::Interrupt;

/// The number of the signal that ended the run.
pub(super) fn number(signal: &AtomicUsize) -> u8 {
    u8::try_from(signal.load(Ordering::SeqCst)).unwrap_or(15)
}

/// Counts signals, and holds the number of the first. A dead terminal ends nothing.
pub(super) fn signals() -> Result<(Arc<Interrupt>, Arc<AtomicUsize>), Failure> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };
    let failed = |error: std::io::Error| Failure::new(Exit::Internal, format!("cannot listen for signals: {error}"));
    let (interrupt, first) = (Arc::new(Interrupt::default()), Arc::new(AtomicUsize::new(0)));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let (counted, number) = (Arc::clone(&interrupt), Arc::clone(&first));
    std::thread::spawn(move || {
        for signal in signals.forever().filter(|signal| *signal != SIGHUP) {
            // The number first: whoever sees that there was a signal asks for it.
            let signal = usize::try_from(signal).unwrap_or(15);
            let _first = number.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
            counted.0.fetch_add(1, Ordering::SeqCst);
        }
    });
    Ok((interrupt, first))
}
