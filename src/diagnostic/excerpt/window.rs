//! What is shown of a line that is longer than the width.

use std::{collections::BTreeSet, ops::Range};

/// Characters of a long line that are shown on either side of a label that is cut.
const LEAST_REACH: usize = 8;

/// The parts of a line that are shown: all of a short one, else the labelled spans, or their ends, with what is near.
pub(super) fn of(text: &str, line: &Range<usize>, spans: &BTreeSet<(usize, usize)>, reach: usize) -> Vec<Range<usize>> {
    if line.len() <= 2 * reach {
        return vec![line.clone()];
    }
    let back = |from: usize, count: usize| {
        let mut chars = text[line.start..from].char_indices().rev();
        count.checked_sub(1).map_or(from, |last| chars.nth(last).map_or(line.start, |(at, _)| line.start + at))
    };
    let forward = |from: usize, count| {
        let mut chars = text[from..line.end].char_indices();
        chars.nth(count).map_or(line.end, |(at, _)| from + at)
    };
    if spans.is_empty() {
        return std::iter::once(line.start..forward(line.start, 2 * reach)).collect();
    }
    let groups = groups(spans);
    let count = |span: Range<usize>| text[span].chars().take(2 * reach + 1).count();
    let rooms = groups.iter().map(|(group, _)| count(group.clone()) + 2 * LEAST_REACH);
    let rooms = share(rooms.collect(), 2 * reach);
    let mut windows: Vec<Range<usize>> = Vec::new();
    let mut show = |window: Range<usize>| match windows.last_mut() {
        Some(left) if left.end >= window.start => left.end = left.end.max(window.end),
        _ => windows.push(window),
    };
    for ((group, ends), room) in groups.into_iter().zip(rooms) {
        if let Some(spare) = room.checked_sub(count(group.clone())) {
            let (before, after) = (count(line.start..group.start), count(group.end..line.end));
            let left = before.min((spare / 2).max(spare.saturating_sub(after)));
            show(back(group.start, left)..forward(group.end, spare - left));
            continue;
        }
        let part = room / ends.len();
        for end in ends {
            let left = match end {
                _ if end == group.start => part.min(2 * LEAST_REACH) / 2,
                _ if end == group.end => part - part.min(2 * LEAST_REACH) / 2,
                _ => part / 2,
            };
            show(back(end, left)..forward(end, part - left));
        }
    }
    windows
}

/// Shares out some room: what needs less than its part leaves the rest of it to the others.
fn share(mut rooms: Vec<usize>, mut room: usize) -> Vec<usize> {
    let mut smallest_first: Vec<usize> = (0..rooms.len()).collect();
    smallest_first.sort_by_key(|&at| rooms[at]);
    for (before, at) in smallest_first.into_iter().enumerate() {
        rooms[at] = rooms[at].min(room / (rooms.len() - before));
        room -= rooms[at];
    }
    let beside = room / rooms.len();
    rooms.into_iter().map(|room| room + beside).collect()
}

/// Spans with all their ends; those within one another as one, which is shown whole where it fits.
fn groups(spans: &BTreeSet<(usize, usize)>) -> Vec<(Range<usize>, BTreeSet<usize>)> {
    let mut groups: Vec<(Range<usize>, BTreeSet<usize>)> = Vec::new();
    for &(start, end) in spans {
        match groups.last_mut() {
            Some((group, ends)) if start < group.end => {
                group.end = group.end.max(end);
                ends.extend([start, end]);
            }
            _ => groups.push((start..end, BTreeSet::from([start, end]))),
        }
    }
    groups
}
