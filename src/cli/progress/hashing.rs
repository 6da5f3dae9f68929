//! Progress in bytes while artifacts are read.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget};

use super::{SILENCE, live, time};
use crate::{artifact::Step, cli::terminal::Terminal};

/// Told of each step by all threads.
pub(in crate::cli) struct Hashing<'a> {
    terminal: &'a Terminal,
    bar: Option<ProgressBar>,
    bytes: AtomicU64,
    begun: Instant,
    spoken: Mutex<Instant>,
}

/// What takes less is not worth a bar.
const SHORT: Duration = Duration::from_millis(300);

impl<'a> Hashing<'a> {
    pub(in crate::cli) fn new(terminal: &'a Terminal) -> Self {
        let bar = terminal.is_live().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            let bytes = "{bytes} of {total_bytes} ({bytes_per_sec}), {eta} left";
            let colored = if terminal.is_colored() { ".green/dim" } else { "" };
            bar.set_style(live::style(
                &format!("       {{bar:24{colored}}} reading artifacts: {bytes}"),
                terminal.is_ascii(),
            ));
            bar
        });
        let now = Instant::now();
        Self { terminal, bar, bytes: AtomicU64::new(0), begun: now, spoken: Mutex::new(now) }
    }

    pub(in crate::cli) fn step(&self, step: Step) {
        let bytes = self.bytes.fetch_add(step.bytes, Ordering::Relaxed) + step.bytes;
        if let Some(bar) = &self.bar {
            if bar.length().is_none() && self.begun.elapsed() >= SHORT {
                bar.set_length(step.total);
                bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            }
            bar.set_position(bytes);
            return;
        }
        // A thread that finds another one at the clock need not look at it.
        let Ok(mut spoken) = self.spoken.try_lock() else { return };
        if spoken.elapsed() >= SILENCE {
            *spoken = Instant::now();
            let (is, all) = (HumanBytes(bytes), HumanBytes(step.total));
            self.terminal.note(&format!("reading artifacts: {is} of {all}, since {}", time(self.begun.elapsed())));
        }
    }
}

impl Drop for Hashing<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
