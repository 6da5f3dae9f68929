//! What a run tells while it goes on.
//!
//! A line for every change. On a terminal bars stand below the lines: how far all is, and what is at work now. Elsewhere
//! a heartbeat says that much when nothing else was said for a while: CI kills jobs that are silent.

mod estimate;
mod hashing;
mod line;
mod live;

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use indicatif::HumanBytes;

use self::{estimate::Estimate, line::Words, live::Live};
use super::terminal::{Terminal, printable};
use crate::{
    artifact::{self, Seal, progress::Progress as Upload},
    id::Name,
    journal::{
        self,
        event::Event,
        replay::{Replay, State},
    },
    operation::{Kind, Operation, Sequence},
    runner::{Artifact, Notice},
};

pub(super) use hashing::Hashing;
pub(super) use line::{said, width};

/// How long nothing may be said off a terminal.
const SILENCE: Duration = Duration::from_secs(30);

/// Between two looks at uploads, which read their progress files.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Progress<'a> {
    terminal: &'a Terminal,
    /// Whether lines are the result, for stdout.
    result: bool,
    live: Option<Live>,
    /// Where staging lies.
    folder: Utf8PathBuf,
    width: usize,
    /// Bytes of the blobs of each upload that was open when the run began.
    uploads: BTreeMap<Sequence, u64>,
    /// Bytes of uploads that are completed.
    sent: u64,
    active: BTreeMap<Sequence, At>,
    estimate: Estimate,
    /// What is completed.
    done: HashSet<Sequence>,
    /// When something was said last, and when uploads were looked at last.
    spoken: Instant,
    looked: Option<Instant>,
}

/// An operation at work.
#[derive(Debug, Clone, Copy)]
struct At {
    since: Instant,
    /// Bytes of an upload that have arrived, and of all.
    bytes: Option<(u64, u64)>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        terminal: &'a Terminal,
        replay: &Replay,
        journal: &Utf8Path,
        artifacts: &BTreeMap<Name, Artifact>,
    ) -> Self {
        let open =
            replay.iter().filter(|(operation, slot)| operation.kind == Kind::UploadSnapshot && !slot.is_completed());
        let uploads: BTreeMap<Sequence, u64> = open
            .filter_map(|(operation, _)| Some((operation.sequence, blobs(&artifacts.get(&operation.member)?.seal))))
            .collect();
        let mut progress = Self {
            terminal,
            result: false,
            live: terminal.is_live().then(|| Live::new(terminal, replay.operations.len())),
            folder: journal::folder(journal),
            width: width(replay),
            estimate: Estimate::new(uploads.values().sum()),
            uploads,
            sent: 0,
            active: BTreeMap::new(),
            done: done(replay),
            spoken: Instant::now(),
            looked: None,
        };
        progress.refresh(replay);
        progress
    }

    /// Follows a run of another process: lines are the result, and claims tell what is at work.
    pub(super) fn of_another(terminal: &'a Terminal, replay: &Replay, journal: &Utf8Path) -> Self {
        let mut progress = Self::new(terminal, replay, journal, &BTreeMap::new());
        progress.result = true;
        for (operation, slot) in replay.iter() {
            if let State::Claimed(flight) | State::Unknown(flight, _) = &slot.state {
                let before = jiff::Timestamp::now().duration_since(flight.since).unsigned_abs();
                let since = Instant::now().checked_sub(before).unwrap_or_else(Instant::now);
                progress.active.insert(operation.sequence, At { since, bytes: None });
            }
        }
        progress
    }

    /// Takes in what another process has recorded.
    pub(super) fn follow(&mut self, events: &[Event], replay: &Replay) {
        for event in events {
            if let Event::Claimed(claimed) = event {
                self.notice(&Notice::Begun(claimed.operation), replay);
            }
            let at_work = |sequence| matches!(replay.slot(sequence).state, State::Claimed(_) | State::Unknown(..));
            if let Some(sequence) = event.operation().filter(|sequence| !at_work(*sequence)) {
                self.active.remove(&sequence);
            }
            self.event(event, replay);
        }
        self.notice(&Notice::Tick, replay);
    }

    pub(super) fn notice(&mut self, notice: &Notice<'_>, replay: &Replay) {
        match notice {
            Notice::Begun(sequence) => {
                self.active.insert(*sequence, At { since: Instant::now(), bytes: None });
                if let Some(operation) = replay.operations.get(*sequence) {
                    self.estimate.begun(operation.kind);
                }
            }
            Notice::Held(sequence, rest) => {
                if let Some(operation) = replay.operations.get(*sequence) {
                    let rest = time(*rest);
                    let why = "a request that was lost may arrive until then";
                    self.say(&format!("{}  waits {rest}: {why}", line::name(operation, self.width)));
                }
            }
            Notice::Ended(sequence) => {
                self.active.remove(sequence);
            }
            Notice::Recorded(events) => events.iter().for_each(|event| self.event(event, replay)),
            Notice::Tick => {}
        }
        self.refresh(replay);
        if self.live.is_none() && self.spoken.elapsed() >= SILENCE {
            self.say(&self.heartbeat(replay));
        }
    }

    /// Takes the bars away.
    pub(super) fn finish(&mut self) {
        if let Some(live) = self.live.take() {
            live.clear();
        }
    }

    fn event(&mut self, event: &Event, replay: &Replay) {
        if let Event::Claimed(claimed) = event
            && self.terminal.is_verbose()
        {
            let command = printable(&claimed.command.to_string());
            self.say(&self.terminal.paint("2", &format!("       $ {command}")));
        }
        let ends = matches!(event, Event::Finished(_) | Event::Settled(_) | Event::Adopted(_));
        let completed = event.operation().filter(|sequence| ends && replay.slot(*sequence).is_completed());
        if let Some(operation) = completed.and_then(|sequence| replay.operations.get(sequence)) {
            self.estimate.ended(operation.kind);
            // What is taken from the map is not counted again when it is done again.
            self.sent += self.uploads.remove(&operation.sequence).unwrap_or(0);
            self.done.insert(operation.sequence);
        }
        if let Event::Released(_) = event {
            // Others may no longer hold either; this is rare.
            self.done = done(replay);
        }
        if let Some(words) = said(event, replay) {
            self.say(&words.line(self.terminal, self.width));
        }
    }

    /// Looks how far uploads are and draws the bars.
    fn refresh(&mut self, replay: &Replay) {
        if self.looked.is_some_and(|looked| looked.elapsed() < PAUSE) {
            return;
        }
        self.looked = Some(Instant::now());
        let mut arrived = self.sent;
        for (sequence, at) in &mut self.active {
            let Some(total) = self.uploads.get(sequence).copied() else { continue };
            let staging = self.folder.join(format!("staging-{sequence}"));
            if let Ok(Upload::Found(upload)) = artifact::progress::read(&staging) {
                at.bytes = Some((upload.bytes().min(total), total));
            }
            arrived += at.bytes.map_or(0, |(arrived, _)| arrived);
        }
        self.estimate.bytes(arrived);
        if let Some(live) = &mut self.live {
            let work = self.active.iter().filter_map(|(sequence, at)| Some((replay.operations.get(*sequence)?, at)));
            live.draw(self.done.len(), &self.estimate, replay, work, self.width);
        }
    }

    /// Where it is, and what is at work for how long.
    fn heartbeat(&self, replay: &Replay) -> String {
        const MOST: usize = 8;
        let work = self.active.iter().filter_map(|(sequence, at)| Some((replay.operations.get(*sequence)?, at)));
        let mut work: Vec<String> = work.map(|(operation, at)| at_work(operation, at)).collect();
        if work.len() > MOST {
            let more = work.len() - MOST;
            work.truncate(MOST);
            work.push(format!("{more} more"));
        }
        let left = self.estimate.left(replay).map(|left| format!(", {left}")).unwrap_or_default();
        let (done, all) = (self.done.len(), replay.operations.len());
        format!("still at it: {done} of {all} operations{left}; at work: {}", work.join(", "))
    }

    fn say(&mut self, text: &str) {
        self.spoken = Instant::now();
        match &self.live {
            Some(live) => live.line(&self.terminal.broken(text, 7)),
            None if self.result => self.terminal.print(&format!("{text}\n")),
            None => self.terminal.note(text),
        }
    }
}

impl Words<'_> {
    /// As a line, with its word in color.
    pub(super) fn line(&self, terminal: &Terminal, width: usize) -> String {
        let said = terminal.paint(self.color, &self.said);
        format!("{}  {said}{}", line::name(self.operation, width), self.rest)
    }
}

fn at_work(operation: &Operation, at: &At) -> String {
    let bytes = at
        .bytes
        .map_or(String::new(), |(arrived, total)| format!(", {} of {}", HumanBytes(arrived), HumanBytes(total)));
    format!("{} {} ({}{bytes})", operation.kind, operation.member, time(at.since.elapsed()))
}

fn done(replay: &Replay) -> HashSet<Sequence> {
    let completed = replay.iter().filter(|(_, slot)| slot.is_completed());
    completed.map(|(operation, _)| operation.sequence).collect()
}

/// The bytes of an artifact that a progress file counts.
fn blobs(seal: &Seal) -> u64 {
    let blobs = [artifact::WASM_MODULE, artifact::WASM_MEMORY, artifact::STABLE_MEMORY];
    blobs.iter().filter_map(|blob| Some(seal.file(blob)?.size)).sum()
}

/// A duration as people say it.
pub(super) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}
