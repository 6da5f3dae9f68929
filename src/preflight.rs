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

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use crate::{
    diagnostic::{Code, Diagnostic, Label, Severity},
    icp::{Asked, Icp, Interrupt, Snapshots, Status},
    id::{Name, Principal},
    journal::replay::Replay,
    operation::Operations,
    plan::{MemberPlaces, Plan, Reading},
};

pub use left::Left;
pub use machine::{Machine, held, too_large};
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
    /// The members whose uploads are this run's to make; those of all where they are not shared out.
    pub share: Option<&'a HashSet<Name>>,
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
    fn label(&self, at: &Range<usize>, message: impl Into<String>) -> Label {
        self.reading.places.source.label(at.clone(), message)
    }

    /// A finding on a part of a member: a narrowed plan has the places of the whole one.
    fn on(
        &self,
        name: &Name,
        part: impl Fn(&MemberPlaces) -> &Range<usize>,
        code: Code,
        message: String,
        label: &str,
    ) -> Diagnostic {
        let at = self.reading.places_of(name).map_or(&self.reading.places.name, part);
        Diagnostic::new(code, message, self.label(at, label))
    }

    /// A finding on no member: on a value that is written, or on the name of the plan.
    fn on_value(&self, at: Option<&Range<usize>>, code: Code, message: String, label: &str) -> Diagnostic {
        let at = at.unwrap_or(&self.reading.places.name);
        Diagnostic::new(code, message, self.label(at, label))
    }
}
