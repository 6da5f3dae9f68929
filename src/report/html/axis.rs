//! Time → place on a page. Times in which nothing was at work are drawn short, whatever they last: days may lie between
//! the uploads and the cutover, and nights between two runs.

use jiff::{SignedDuration, Timestamp};

/// The axis of a timeline, in percent of its width.
#[derive(Debug)]
pub(super) struct Axis {
    parts: Vec<Part>,
    /// The time that the parts which are drawn to scale take together.
    scale: SignedDuration,
}

/// A piece of the axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) left: f64,
    pub(super) width: f64,
    /// Nothing was at work: drawn short.
    pub(super) idle: bool,
}

/// A mark on the axis.
#[derive(Debug)]
pub(super) struct Tick {
    pub(super) left: f64,
    /// Empty where there is no room for one.
    pub(super) label: String,
}

/// Steps between ticks, in milliseconds.
const STEPS: &[i64] = &[
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    7_200_000,
    21_600_000,
    86_400_000,
    604_800_000,
];

impl Axis {
    /// An axis from one time to another, given the times at which something was at work.
    pub(super) fn new(from: Timestamp, to: Timestamp, mut busy: Vec<(Timestamp, Timestamp)>) -> Self {
        busy.sort_unstable();
        let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (start, end) in busy {
            match merged.last_mut() {
                Some((_, until)) if start <= *until => *until = (*until).max(end),
                _ => merged.push((start, end)),
            }
        }
        let work: SignedDuration = merged.iter().map(|(start, end)| end.duration_since(*start)).sum();
        let long = (work / 12).max(SignedDuration::from_millis(1500));
        let mut bounds: Vec<(Timestamp, Timestamp, bool)> = Vec::new();
        let mut at = from;
        for (start, end) in merged.into_iter().chain([(to, to)]) {
            let idle = start.duration_since(at) > long;
            match bounds.last_mut() {
                Some((_, until, false)) if !idle => *until = end.max(at),
                _ => {
                    if idle {
                        bounds.push((at, start, true));
                        at = start;
                    }
                    bounds.push((at, end.max(at), false));
                }
            }
            at = end.max(at);
        }
        // What goes on to the very end of the journal needs no last part without length.
        bounds.retain(|(start, end, _)| end > start);
        let scale: SignedDuration =
            bounds.iter().filter(|b| !b.2).map(|(start, end, _)| end.duration_since(*start)).sum();
        let breaks = bounds.iter().filter(|b| b.2).count();
        let pause = if breaks == 0 { 0.0 } else { (30.0 / breaks as f64).min(3.0) };
        let room = if breaks == bounds.len() { 0.0 } else { 100.0 - pause * breaks as f64 };
        let mut left = 0.0;
        let parts = bounds.into_iter().map(|(from, to, idle)| {
            let width = match idle {
                true => pause,
                false => room * to.duration_since(from).as_secs_f64() / scale.as_secs_f64().max(1e-9),
            };
            let part = Part { from, to, left, width, idle };
            left += width;
            part
        });
        Self { parts: parts.collect(), scale }
    }

    /// The place of a time.
    pub(super) fn at(&self, time: Timestamp) -> f64 {
        let Some(part) = self.parts.iter().find(|part| time <= part.to).or(self.parts.last()) else { return 0.0 };
        let length = part.to.duration_since(part.from).as_secs_f64();
        let done = time.duration_since(part.from).as_secs_f64();
        part.left + part.width * if length > 0.0 { (done / length).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The pauses.
    pub(super) fn pauses(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.idle)
    }

    /// Marks at round times of day.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let total = i64::try_from(self.scale.as_millis()).unwrap_or(i64::MAX);
        let step = STEPS.iter().copied().find(|step| total / step <= 9).unwrap_or(604_800_000);
        let mut ticks = Vec::new();
        let mut last = f64::NEG_INFINITY;
        for part in self.parts.iter().filter(|part| !part.idle) {
            let mut at = part.from.as_millisecond().div_euclid(step) * step;
            while at <= part.to.as_millisecond() {
                if at >= part.from.as_millisecond()
                    && let Ok(time) = Timestamp::from_millisecond(at)
                {
                    let left = self.at(time);
                    let format = if step < 1000 {
                        "%H:%M:%S%.3f"
                    } else if step < 60_000 {
                        "%H:%M:%S"
                    } else {
                        "%H:%M"
                    };
                    let label = if left - last >= 8.0 && left < 94.0 {
                        time.strftime(format).to_string()
                    } else {
                        String::new()
                    };
                    if !label.is_empty() {
                        last = left;
                    }
                    ticks.push(Tick { left, label });
                }
                at += step;
            }
        }
        ticks
    }
}
