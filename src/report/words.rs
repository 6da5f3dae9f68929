//! Times and counts as people say them.

use jiff::{SignedDuration, Timestamp};

use crate::{
    journal::event::Verdict,
    operation::{Kind, Phase},
};

/// How a run ended.
pub fn verdict(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Done) => "done",
        Some(Verdict::Failed) => "failed",
        Some(Verdict::Unknown) => "outcome unknown",
        Some(Verdict::Unverified) => "not as planned",
        Some(Verdict::Stopped) => "stopped early as asked",
        Some(Verdict::Interrupted) => "interrupted",
        None => "cut off",
    }
}

/// The words for a phase, as a heading.
pub fn phase(kind: Kind) -> &'static str {
    match kind.phase() {
        Some(Phase::Uploaded) => "upload",
        Some(Phase::Stopped) => "stop",
        Some(Phase::Loaded) => "load",
        Some(Phase::Started) => "start",
        None => "cleanup",
    }
}

/// A time as people say it, in at most two units.
pub fn spoken(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    match seconds {
        0 => format!("{} ms", time.as_millis().max(0)),
        1..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A number and what it counts.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A time of day, to the second.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
