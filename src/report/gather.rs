//! Events and their meaning → [`Report`].

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};

use super::{
    Attempt, Counts, Downtime, End, Error, Left, LeftKind, Line, Longest, MemberLine, PlanLine, Report, Run, Status,
    closed, proof,
};
use crate::{
    diagnostic::Source,
    icp::status::State as Running,
    journal::{
        self,
        event::{Aim, Event, Receipt, Tail, Why},
        replay::{Replay, Slot, State},
    },
    operation::{Kind, Operation, Operations},
    plan::{self, Final, Plan},
};

/// Reads a journal, without its lock: a run may be writing it.
///
/// # Errors
/// As [`journal::load`].
pub fn read(path: &Utf8Path) -> Result<Report, Error> {
    let running = journal::is_locked(path);
    let replay = journal::load(path)?;
    let mut events = journal::events(path)?;
    // What was written after the replay is left to the next report.
    events.retain(|(at, _)| *at <= replay.last());
    // The journal's own plan is of its own text; where that cannot be read any more, operations tell enough.
    let plan = plan::read(&Source::new("journal", replay.opened.text.as_str())).ok();
    let plan = plan.map(|reading| match replay.opened.only.as_slice() {
        [] => reading.plan,
        only => reading.plan.only(only),
    });
    Ok(report(&replay, &events, plan.as_ref(), running))
}

fn report(replay: &Replay, events: &[(Timestamp, Event)], plan: Option<&Plan>, running: bool) -> Report {
    let last = events.last().map_or(replay.last(), |(at, _)| *at);
    let mut attempts = attempts(events, &replay.operations);
    let lines: Vec<Line> = replay
        .iter()
        .zip(&mut attempts)
        .map(|((operation, slot), attempts)| line(operation, slot, std::mem::take(attempts), running))
        .collect();
    let members = members(replay, events, plan, last);
    let opened = &replay.opened;
    Report {
        version: 1,
        plan: PlanLine {
            name: opened.plan.clone(),
            digest: opened.digest,
            tool: opened.tool.clone(),
            icp: opened.icp.clone(),
            network: opened.network.clone(),
            only: opened.only.clone(),
            rollback: opened.parent.is_some(),
        },
        verdict: replay.verdict,
        running,
        counts: counts(&lines),
        began: events.first().map_or(last, |(at, _)| *at),
        until: last,
        runs: runs(events),
        downtime: downtime(&members),
        left: left(replay),
        proofs: proof::proofs(plan, &lines, &members),
        operations: lines,
        members,
    }
}

/// The attempts at each operation.
fn attempts(events: &[(Timestamp, Event)], operations: &Operations) -> Vec<Vec<Attempt>> {
    let mut all: Vec<Vec<Attempt>> = operations.iter().map(|_| Vec::new()).collect();
    for (at, event) in events {
        let Some(attempts) = event.operation().and_then(|sequence| all.get_mut(sequence.index())) else { continue };
        match event {
            Event::Claimed(claimed) => {
                let mut attempt = begun(claimed.attempt, claimed.aim.clone(), *at);
                attempt.command = Some(claimed.command.clone());
                attempts.push(attempt);
            }
            Event::Finished(finished) => {
                if let Some(attempt) = attempts.last_mut() {
                    attempt.take(&finished.receipt, *at);
                }
            }
            Event::Settled(settled) => {
                if let Some(attempt) = attempts.last_mut() {
                    // The command had ended before, where that was seen.
                    let ended = attempt.ended;
                    attempt.take(&settled.receipt, *at);
                    attempt.ended = ended.or(attempt.ended);
                    attempt.settled = true;
                    attempt.evidence.extend_from_slice(&settled.evidence);
                }
            }
            Event::Released(released) => {
                if let Some(attempt) = attempts.last_mut() {
                    // What was completed stays so in what is told of the past.
                    if released.why != Why::Drift {
                        attempt.ended = attempt.ended.or(Some(*at));
                        attempt.settled = released.why != Why::NotStarted;
                    }
                    attempt.end = End::Released(released.why);
                    attempt.evidence.extend_from_slice(&released.evidence);
                    attempt.orphans.extend_from_slice(&released.orphans);
                }
            }
            Event::Adopted(adopted) => {
                let mut attempt = begun(0, Aim::Do, adopted.receipt.started);
                attempt.take(&adopted.receipt, adopted.receipt.ended);
                attempt.evidence.push(format!("taken over from {}", adopted.from));
                attempts.push(attempt);
            }
            Event::Opened(_) | Event::Resumed(_) | Event::Closed(_) => {}
        }
    }
    all
}

fn begun(number: u32, aim: Aim, began: Timestamp) -> Attempt {
    Attempt {
        number,
        aim,
        began,
        ended: None,
        end: End::Open,
        settled: false,
        command: None,
        exit: None,
        rejection: None,
        notes: Vec::new(),
        evidence: Vec::new(),
        snapshot_id: None,
        module_hash: None,
        orphans: Vec::new(),
        stdout: Tail::default(),
        stderr: Tail::default(),
    }
}

impl Attempt {
    fn take(&mut self, receipt: &Receipt, at: Timestamp) {
        self.ended = Some(at);
        self.end = End::Outcome(receipt.outcome);
        self.exit = receipt.exit.or(self.exit);
        self.rejection = receipt.rejection.as_ref().map(|rejection| rejection.message.clone());
        self.notes.extend_from_slice(&receipt.notes);
        self.snapshot_id.clone_from(&receipt.snapshot_id);
        self.module_hash = receipt.module_hash;
        self.orphans.extend_from_slice(&receipt.orphans);
        for (tail, new) in [(&mut self.stdout, &receipt.stdout), (&mut self.stderr, &receipt.stderr)] {
            if !new.is_empty() {
                tail.clone_from(new);
            }
        }
    }
}

fn line(operation: &Operation, slot: &Slot, attempts: Vec<Attempt>, running: bool) -> Line {
    let (status, message) = match &slot.state {
        State::Fresh => (Status::Open, None),
        // What a dead run has claimed is not known to be at work.
        State::Claimed(_) if running => (Status::Claimed, None),
        State::Claimed(_) => (Status::Unknown, Some("claimed, and no receipt was written".to_owned())),
        State::Unknown(_, why) => (Status::Unknown, Some(why.clone())),
        State::Completed(_) => (Status::Completed, None),
        State::Failed(failure) => {
            let said = failure.rejection.as_ref().map(|rejection| rejection.message.clone());
            (Status::Failed, Some(said.unwrap_or_else(|| failure.notes.join("; "))))
        }
    };
    Line { operation: operation.clone(), status, message, attempts }
}

fn counts(lines: &[Line]) -> Counts {
    let mut counts = Counts { total: lines.len(), ..Counts::default() };
    for line in lines {
        *match line.status {
            Status::Open => &mut counts.open,
            Status::Claimed => &mut counts.claimed,
            Status::Completed => &mut counts.completed,
            Status::Failed => &mut counts.failed,
            Status::Unknown => &mut counts.unknown,
        } += 1;
        counts.repeated += usize::from(line.status == Status::Completed && line.attempts.len() > 1);
        counts.settled += line.attempts.iter().filter(|attempt| attempt.settled).count();
    }
    counts
}

fn runs(events: &[(Timestamp, Event)]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (at, event) in events {
        match event {
            Event::Resumed(resumed) => runs.push(Run {
                began: *at,
                ended: None,
                verdict: None,
                pid: resumed.pid,
                host: resumed.host.clone(),
                who: resumed.who.clone(),
            }),
            Event::Closed(closed) => {
                if let Some(run) = runs.last_mut() {
                    (run.ended, run.verdict) = (Some(*at), Some(closed.verdict));
                }
            }
            _ => {}
        }
    }
    runs
}

/// Members in restore order: that of their stops, or where there are none, of their first operations.
fn members(replay: &Replay, events: &[(Timestamp, Event)], plan: Option<&Plan>, last: Timestamp) -> Vec<MemberLine> {
    let mut closed = closed::members(events, &replay.operations, last);
    let stops = replay.iter().filter(|(operation, _)| operation.kind == Kind::StopCanister);
    let others = replay.iter().filter(|(operation, _)| operation.kind != Kind::StopCanister);
    let mut seen = BTreeSet::new();
    let mut members = Vec::new();
    for (operation, slot) in stops.chain(others) {
        if !seen.insert(operation.member.clone()) {
            continue;
        }
        let closed = closed.remove(&operation.member).unwrap_or_default();
        let target = operation.target.to_string();
        let planned = plan.and_then(|plan| plan.member(&operation.member)).map(|member| member.r#final);
        let started = replay.operations.find(Kind::StartCanister, &operation.member).is_some();
        let before = slot.before.as_ref().and_then(|before| before.status);
        let stays_stopped = match planned {
            Some(Final::Stopped) => true,
            Some(Final::AsBefore) => before == Some(Running::Stopped),
            Some(Final::Running) => false,
            None => !started,
        };
        members.push(MemberLine {
            name: operation.member.clone(),
            source: operation.source,
            relocated: target != operation.source.to_string(),
            target,
            downtime: closed.closures.iter().map(|closure| closure.to.duration_since(closure.from)).sum(),
            closed: closed.closures,
            was_stopped: closed.was_stopped,
            stays_stopped,
        });
    }
    members
}

fn downtime(members: &[MemberLine]) -> Downtime {
    // What the plan leaves stopped is closed for good, which is no downtime.
    let served = || members.iter().filter(|member| !member.stays_stopped);
    let longest = served().filter(|member| member.downtime > SignedDuration::ZERO).max_by_key(|member| member.downtime);
    Downtime {
        fleet: closed::union(served().flat_map(|member| member.closed.iter().copied())),
        longest: longest.map(|member| Longest { member: member.name.clone(), time: member.downtime }),
        goes_on: served().any(|member| member.closed.iter().any(|closure| closure.open)),
    }
}

/// Snapshots that operations made and none has deleted since.
fn left(replay: &Replay) -> Vec<Left> {
    let mut left = BTreeMap::new();
    for (operation, slot) in replay.iter() {
        let made = match operation.kind {
            Kind::UploadSnapshot => Some(LeftKind::Uploaded),
            Kind::TakeSnapshot => Some(LeftKind::Safety),
            Kind::StopCanister
            | Kind::LoadSnapshot
            | Kind::StartCanister
            | Kind::VerifyMember
            | Kind::VerifyFleet
            | Kind::DeleteSnapshot => None,
        };
        let made = made.and_then(|what| Some((slot.done()?.snapshot.clone()?, what)));
        let orphans = slot.orphans.iter().map(|id| (id.clone(), LeftKind::Orphan));
        for (snapshot, what) in made.into_iter().chain(orphans) {
            let canister = operation.target.to_string();
            let member = operation.member.clone();
            left.insert((operation.sequence, snapshot.to_string()), Left { snapshot, canister, member, what });
        }
    }
    for (operation, slot) in replay.iter().filter(|(operation, _)| operation.kind == Kind::DeleteSnapshot) {
        if slot.is_completed()
            && let Some(gone) = replay.snapshot(operation)
        {
            left.retain(|_, left| left.snapshot != *gone);
        }
    }
    left.into_values().collect()
}
