//! Sizes, ages and amounts in words of people.

use jiff::Timestamp;

/// Bytes, with binary units.
pub fn bytes(bytes: u64) -> String {
    let mut units = ["bytes", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let (mut value, mut unit) = (bytes as f64, units.next().unwrap_or_default());
    while value >= 1024.0
        && let Some(next) = units.next()
    {
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{value:.1} {unit}") }
}

/// Cycles, in trillions, billions or millions where there are so many.
pub fn cycles(cycles: u128) -> String {
    match cycles {
        0..1_000_000 => format!("{cycles} cycles"),
        1_000_000..1_000_000_000 => format!("{:.1} M cycles", cycles as f64 / 1e6),
        1_000_000_000..1_000_000_000_000 => format!("{:.2} B cycles", cycles as f64 / 1e9),
        _ => format!("{:.3} T cycles", cycles as f64 / 1e12),
    }
}

/// How long ago, from nanoseconds since 1970.
pub fn age(taken_at: u64) -> String {
    let now = u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(taken_at);
    let minutes = now.saturating_sub(taken_at) / 60_000_000_000;
    match minutes {
        0..120 => format!("{minutes} min old"),
        120..2880 => format!("{} h old", minutes / 60),
        _ => format!("{} days old", minutes / 1440),
    }
}
