//! Before the first effect: all that would stop a restore half way, found while nothing has happened yet.
//!
//! `left` says what is still to be done, `ask` asks every target at once and changes nothing, `judge` holds the answers
//! against the plan, `machine` looks at memory and disk. Every finding is a [`Diagnostic`] on the plan's text, and all of
//! them are told together.

mod ask;
mod judge;
mod left;
mod machine;
mod travel;
mod version;
pub mod words;

use std::{collections::BTreeMap, ops::Range};

use crate::{
    diagnostic::{Code, Diagnostic, Label, Severity},
    icp::{Asked, Icp, Interrupt, Snapshots, Status},
    id::{Name, Principal},
    journal::replay::Replay,
    operation::Operations,
    plan::{MemberPlaces, Plan, Reading},
};

pub use left::Left;
pub use machine::Machine;
pub use travel::travel;
pub use version::judge as version;

/// What a preflight is of.
pub struct Scene<'a> {
    /// The program.
    pub icp: &'a Icp,
    /// The plan as it was read, for places.
    pub reading: &'a Reading,
    /// The plan as it is to be run: maybe narrowed, with principals for targets.
    pub plan: &'a Plan,
    /// Its operations.
    pub operations: &'a Operations,
    /// What was done so far, if it was begun.
    pub replay: Option<&'a Replay>,
    /// How large the artifacts are that are yet to be uploaded.
    pub sizes: &'a BTreeMap<Name, Size>,
    /// What there is to work with.
    pub machine: &'a Machine,
    /// Signals.
    pub interrupt: &'a Interrupt,
}

/// How large an artifact is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// All of it.
    pub total: u64,
    /// Its largest blob.
    pub largest: u64,
}

/// What was seen.
#[derive(Debug)]
pub struct Sight {
    /// Who calls.
    pub caller: Option<Principal>,
    /// Of each member of the plan, in its order.
    pub members: Vec<Seen>,
    /// Everything that is wrong, or that somebody should know.
    pub diagnostics: Vec<Diagnostic>,
}

/// What was seen of a member; nothing where nothing is left to be done.
#[derive(Debug, Default)]
pub struct Seen {
    /// What is left.
    pub left: Left,
    /// How its canister is.
    pub status: Option<Asked<Status>>,
    /// The snapshots there.
    pub snapshots: Option<Asked<Snapshots>>,
    /// The snapshots of the canister that it is copied from, where its snapshot lies there.
    pub elsewhere: Option<Asked<Snapshots>>,
}

impl Sight {
    /// Whether nothing may be begun.
    pub fn is_blocked(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
    }
}

/// Looks at everything. Nothing is changed.
pub fn look(scene: &Scene<'_>) -> Sight {
    let left: Vec<Left> = scene.plan.members.iter().map(|member| Left::of(scene, member)).collect();
    let mut diagnostics = Vec::new();
    let caller = if left.iter().any(Left::is_any) { ask::caller(scene, &mut diagnostics) } else { None };
    let members = ask::members(scene, left);
    for (member, seen) in scene.plan.members.iter().zip(&members) {
        judge::member(scene, member, seen, caller, &mut diagnostics);
    }
    machine::judge(scene, &members, &mut diagnostics);
    crate::diagnostic::sort(&mut diagnostics);
    Sight { caller, members, diagnostics }
}

impl Scene<'_> {
    /// Where a member stands in the text: a narrowed plan has the places of the whole one.
    fn places(&self, name: &Name) -> Option<&MemberPlaces> {
        let index = self.reading.plan.members.iter().position(|member| member.name == *name)?;
        self.reading.places.members.get(index)
    }

    fn label(&self, at: &Range<usize>, message: impl Into<String>) -> Label {
        self.reading.places.source.label(at.clone(), message)
    }

    /// A finding on a part of a member.
    fn on(
        &self,
        name: &Name,
        part: impl Fn(&MemberPlaces) -> &Range<usize>,
        code: Code,
        message: String,
        label: &str,
    ) -> Diagnostic {
        let at = self.places(name).map_or(&self.reading.places.root, part);
        Diagnostic::new(code, message, self.label(at, label))
    }

    /// A finding on no member; on the value of a key that stands in a line of its own, if it does.
    fn on_key(&self, key: &str, code: Code, message: String, label: &str) -> Diagnostic {
        let at = value_of(self.reading.places.source.text(), key).unwrap_or_else(|| self.reading.places.root.clone());
        Diagnostic::new(code, message, self.label(&at, label))
    }
}

/// The value of the first line that begins with a key.
fn value_of(text: &str, key: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start().strip_prefix(key).map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = rest {
            let value = value.trim_start();
            let from = start + line.len() - value.len();
            let length = match value.as_bytes().first() {
                Some(quote @ (b'"' | b'\'')) => value[1..].find(char::from(*quote)).map(|end| end + 2),
                _ => value.find([' ', '\t', '#', '\r', '\n']),
            };
            return Some(from..from + length.unwrap_or(value.trim_end().len()));
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn the_value_of_a_key_is_found_and_not_a_comment() {
        let text = "# limit = 3\n[network]\n  expect-principal = \"aa-b\" # who\nlimit=7\n";
        let value = |key| value_of(text, key).map(|range| &text[range]);
        assert_eq!(value("expect-principal"), Some("\"aa-b\""));
        assert_eq!(value("limit"), Some("7"));
        assert_eq!(value("proxy"), None);
    }
}
