//! The counts of a journal against its operations.
//!
//! One slip in an operation puts two counts wrong, one lost operation puts three wrong. Where the counts that do agree
//! tell which it was, the slip is pointed at and the counts beside it; else each wrong count is a problem of its own.

use std::{ops::Range, sync::Arc};

use super::{Journal, Kind, Operation, State, receipts::Index};
use crate::{
    canic::Spanned,
    diagnostic::{Code, Diagnostic, Label, Source},
};

pub(super) const STATES: [State; 5] = [State::Pending, State::Ready, State::Blocked, State::Completed, State::Failed];

/// In the order of the file; the seventh count is the sum of the last two.
pub(super) const KINDS: [Kind; 6] = [
    Kind::StopCanister,
    Kind::StartCanister,
    Kind::UploadSnapshot,
    Kind::LoadSnapshot,
    Kind::VerifyMember,
    Kind::VerifyFleet,
];

/// The order in which the ancestor does things.
const PHASES: [Kind; 6] = [
    Kind::UploadSnapshot,
    Kind::StopCanister,
    Kind::LoadSnapshot,
    Kind::StartCanister,
    Kind::VerifyMember,
    Kind::VerifyFleet,
];

const MANY: &str = "one too many of these";

/// What is wrong with the counts.
pub(super) fn check(source: &Arc<Source>, journal: &Journal, index: &Index<'_>) -> Vec<Diagnostic> {
    let (counts, operations) = (&journal.counts, &journal.operations);
    let total = operations.value.len();
    let states = STATES.map(|state| actual(journal, |o| o.state.value == state));
    let [stops, starts, uploads, loads, members, fleet] = KINDS.map(|kind| actual(journal, |o| o.kind.value == kind));
    let kinds = [stops, starts, uploads, loads, members, fleet, members + fleet];
    let wrong_states: Vec<_> = wrong(&counts.states, &states);
    let wrong_kinds: Vec<_> = wrong(&counts.kinds, &kinds);
    let stated: usize = counts.states.iter().fold(0, |sum, count| sum.saturating_add(count.value));

    if counts.operations.value != total && stated == counts.operations.value {
        let open = operations.span.start..operations.span.start + 1;
        let note = format!("{total} operations here");
        let mut all = vec![(&counts.operations, total)];
        all.extend(wrong_states);
        all.extend(wrong_kinds);
        let help = "take the operations from another copy of the journal";
        return vec![slip(source, open, note, help.to_owned(), &all)];
    }
    let mut found = each(source, &wrong(std::slice::from_ref(&counts.operations), &[total]));
    let state = exchange(&counts.states, &states)
        .and_then(|(more, less)| Some((wrong_state(journal, index, STATES[more], STATES[less])?, STATES[less])));
    found.extend(match state {
        Some((operation, likely)) => {
            let help = format!("write `{}`", likely.as_str());
            vec![slip(source, operation.state.span.clone(), MANY.to_owned(), help, &wrong_states)]
        }
        None => each(source, &wrong_states),
    });
    let kind = exchange(&counts.kinds[..6], &kinds[..6])
        .and_then(|(more, less)| Some((wrong_kind(journal, index, KINDS[more], KINDS[less])?, KINDS[less])));
    found.extend(match kind {
        Some((operation, likely)) => {
            let help = format!("write `{}`", likely.as_str());
            vec![slip(source, operation.kind.span.clone(), MANY.to_owned(), help, &wrong_kinds)]
        }
        None => each(source, &wrong_kinds),
    });
    found
}

fn actual(journal: &Journal, is: impl Fn(&Operation) -> bool) -> usize {
    journal.operations.value.iter().filter(|o| is(o)).count()
}

type Wrong<'a> = (&'a Spanned<usize>, usize);

fn wrong<'a>(stated: &'a [Spanned<usize>], actual: &[usize]) -> Vec<Wrong<'a>> {
    let pairs = stated.iter().zip(actual.iter().copied());
    pairs.filter(|(stated, actual)| stated.value != *actual).collect()
}

/// Which count is one too many and which one too few, if that is all.
fn exchange(stated: &[Spanned<usize>], actual: &[usize]) -> Option<(usize, usize)> {
    let off = |at: &usize| stated[*at].value != actual[*at];
    let [a, b] = (0..actual.len()).filter(off).collect::<Vec<_>>()[..] else {
        return None;
    };
    let more = |at: usize| actual[at].checked_sub(stated[at].value) == Some(1);
    let less = |at: usize| stated[at].value.checked_sub(actual[at]) == Some(1);
    match () {
        () if more(a) && less(b) => Some((a, b)),
        () if more(b) && less(a) => Some((b, a)),
        () => None,
    }
}

/// The operation that is said to be in one state and is most likely in another.
fn wrong_state<'a>(journal: &'a Journal, index: &Index<'_>, said: State, likely: State) -> Option<&'a Operation> {
    let operations = &journal.operations.value;
    let proved = |operation: &&Operation, state: State| {
        let receipt = index.latest(operation.sequence.value);
        state.outcome() == receipt.map(|receipt| receipt.outcome.value)
    };
    let done = |o: &&Operation| matches!(o.state.value, State::Completed);
    let candidates = || operations.iter().filter(|o| o.state.value == said);
    only(candidates()).or_else(|| only(candidates().filter(|o| proved(o, likely) && !proved(o, said)))).or_else(|| {
        // What is begun and not over comes right after what is done.
        let first = operations.iter().find(|o| !done(o))?;
        let fits = matches!(likely, State::Pending | State::Failed) && first.state.value == said;
        fits.then_some(first)
    })
}

/// The operation that is said to do one thing and most likely does another.
fn wrong_kind<'a>(journal: &'a Journal, index: &Index<'_>, said: Kind, likely: Kind) -> Option<&'a Operation> {
    let operations = &journal.operations.value;
    let candidates = || operations.iter().filter(|o| o.kind.value == said);
    let received = |operation: &&Operation| {
        let receipt = index.latest(operation.sequence.value);
        receipt.is_some_and(|receipt| receipt.kind.value == likely)
    };
    let fields = |operation: &Operation, kind: Kind| match kind {
        Kind::UploadSnapshot | Kind::LoadSnapshot => operation.artifact.value.is_some(),
        Kind::VerifyMember => operation.verification.value.is_some() && operation.role.value != "fleet",
        Kind::VerifyFleet => operation.verification.value.is_some() && operation.role.value == "fleet",
        Kind::StopCanister | Kind::StartCanister => {
            operation.artifact.value.is_none() && operation.verification.value.is_none()
        }
    };
    let phase = |kind: Kind| PHASES.iter().position(|phase| *phase == kind);
    let at = |at: usize| operations.get(at).map(|other| phase(other.kind.value));
    let fits = |&(place, _): &(usize, &Operation)| {
        let before = place.checked_sub(1).and_then(at);
        before.is_none_or(|before| before <= phase(likely)) && at(place + 1).is_none_or(|after| phase(likely) <= after)
    };
    let placed = operations.iter().enumerate().filter(|(_, o)| o.kind.value == said);
    only(candidates())
        .or_else(|| only(candidates().filter(received)))
        .or_else(|| only(candidates().filter(|o| !fields(o, said) && fields(o, likely))))
        .or_else(|| only(placed.filter(fits).map(|(_, operation)| operation)))
}

fn only<'a>(mut operations: impl Iterator<Item = &'a Operation>) -> Option<&'a Operation> {
    let first = operations.next()?;
    operations.next().is_none().then_some(first)
}

fn each(source: &Arc<Source>, counts: &[Wrong<'_>]) -> Vec<Diagnostic> {
    let problem = |wrong: &Wrong<'_>| {
        let message = "this count is not that of the operations";
        Diagnostic::new(Code::CanicCount, message, there(source, wrong)).with_help(format!("write {}", wrong.1))
    };
    counts.iter().map(problem).collect()
}

/// One problem at the place that puts all these counts wrong.
fn slip(source: &Arc<Source>, at: Range<usize>, note: String, help: String, counts: &[Wrong<'_>]) -> Diagnostic {
    let message = "the counts of the journal are not those of its operations";
    let problem = Diagnostic::new(Code::CanicCount, message, source.label(at, note)).with_help(help);
    counts.iter().fold(problem, |problem, wrong| problem.with_label(there(source, wrong)))
}

fn there(source: &Arc<Source>, (stated, actual): &Wrong<'_>) -> Label {
    let are = if *actual == 1 { "is" } else { "are" };
    source.label(stated.span.clone(), format!("{actual} {are} there"))
}
