//! `[limits]`, `[timeouts]`, `[retry]` and `[safety]`.

use std::time::Duration;

use super::super::{
    AmbiguousLoad, Cleanup, Limits, Orphans, Retry, Safety, Timeouts,
    decode::{Decoder, Section},
};

pub(in crate::plan) const LIMITS: &[&str] = &["upload", "other", "max-failures", "upload-memory"];
pub(in crate::plan) const TIMEOUTS: &[&str] = &["upload", "stop", "other"];
pub(in crate::plan) const RETRY: &[&str] = &["attempts", "backoff"];
pub(in crate::plan) const SAFETY: &[&str] = &["snapshot", "ambiguous-load", "orphans", "cleanup"];

pub(super) fn limits(d: &mut Decoder<'_>, s: Option<&Section<'_>>) -> Limits {
    let mut number = |key, allowed| d.take(s?, key, |d, value| d.number(value, allowed));
    Limits {
        upload: number("upload", 1..=1000).unwrap_or(2),
        other: number("other", 1..=1000).unwrap_or(8),
        max_failures: number("max-failures", 0..=u32::MAX).unwrap_or(0),
        upload_memory: s.and_then(|s| d.take(s, "upload-memory", |d, value| d.bytes(value))),
    }
}

pub(super) fn timeouts(d: &mut Decoder<'_>, s: Option<&Section<'_>>) -> Timeouts {
    let mut time = |key, default| {
        let written = s.and_then(|s| d.take(s, key, |d, value| d.duration(value)));
        written.unwrap_or(Duration::from_secs(default))
    };
    Timeouts { upload: time("upload", 2 * 3600), stop: time("stop", 600), other: time("other", 120) }
}

pub(super) fn retry(d: &mut Decoder<'_>, s: Option<&Section<'_>>) -> Retry {
    let attempts = s.and_then(|s| d.take(s, "attempts", |d, value| d.number(value, 1..=100)));
    let backoff = s.and_then(|s| d.take(s, "backoff", |d, value| d.duration(value)));
    Retry { attempts: attempts.unwrap_or(3), backoff: backoff.unwrap_or(Duration::from_secs(2)) }
}

pub(super) fn safety(d: &mut Decoder<'_>, s: Option<&Section<'_>>) -> Safety {
    fn word<T: Copy + Default>(d: &mut Decoder<'_>, s: Option<&Section<'_>>, key: &str, words: &[(&str, T)]) -> T {
        s.and_then(|s| d.take(s, key, |d, value| d.word(value, words))).unwrap_or_default()
    }
    let loads = [("halt", AmbiguousLoad::Halt), ("reload", AmbiguousLoad::Reload)];
    let orphans = [("report", Orphans::Report), ("delete-own", Orphans::DeleteOwn)];
    let cleanup = [("never", Cleanup::Never), ("on-success", Cleanup::OnSuccess)];
    Safety {
        snapshot: s.and_then(|s| d.take(s, "snapshot", |d, value| d.boolean(value))).unwrap_or(true),
        ambiguous_load: word(d, s, "ambiguous-load", &loads),
        orphans: word(d, s, "orphans", &orphans),
        cleanup: word(d, s, "cleanup", &cleanup),
    }
}
