//! The file formats of canic-backup 0.36.14, the retired ancestor, whose backups and half-done restores come along.
//!
//! [`manifest`] and [`mapping`] say what a backup holds and where it goes; [`plan`] writes both down as a plan of ours.
//! [`journal`] reads a restore that the ancestor began, [`status`] says where it stands, [`lock`] whether anybody still
//! works on it. What the ancestor's reader accepts is accepted here and what it refuses is refused, number forms and
//! duplicate keys included; where this program is stricter on purpose, it warns. Nothing here writes a file.

pub mod journal;
mod kind;
pub mod lock;
pub mod manifest;
pub mod mapping;
pub mod plan;
mod reader;
pub mod status;

pub use kind::Kind;
pub use reader::Spanned;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    diagnostic::{Code, Diagnostic, Source},
    id::{Principal, not_a_principal},
};

/// What became of reading a file: its content with warnings, or all that is wrong with it, warnings included.
pub type Reading<T> = Result<(T, Vec<Diagnostic>), Vec<Diagnostic>>;

/// A canister as the ancestor knows it: by the letters of its id.
///
/// Two spellings of one id are two canisters to the ancestor, so comparisons are of the text.
#[derive(Debug, Clone)]
pub struct Canister {
    /// The id.
    pub id: Principal,
    text: String,
}

impl Canister {
    /// The id as it stands in the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn parse(text: &str) -> Option<Self> {
        let id = Principal::from_text(text).ok()?;
        Some(Self { id, text: text.to_owned() })
    }
}

impl PartialEq for Canister {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Warns of an id in other letters than its own: the ancestor takes it for another canister than the network does.
fn spelling(source: &Arc<Source>, canister: &Spanned<String>) -> Option<Diagnostic> {
    let label = |message: &str| source.label(canister.span.clone(), message);
    match Principal::from_text(&canister.value) {
        Ok(id) if id.to_text() == canister.value => None,
        Ok(id) => Some(
            Diagnostic::new(
                Code::CanicSpelling,
                format!("`{}` is another spelling of `{id}`", canister.value),
                label("canic takes the two for different canisters"),
            )
            .with_help(format!("write `{id}`")),
        ),
        Err(wrong) => {
            let (message, help) = not_a_principal(&canister.value, &wrong);
            let label = label("canic does not look, icp will");
            Some(Diagnostic::new(Code::CanicSpelling, message, label).with_help(help))
        }
    }
}

/// A key or an id that is only to be looked at, and what follows from it at the same place, are one problem; how an id is
/// written mends it.
fn fold(notes: &mut Vec<Diagnostic>) {
    let is_cause = |note: &&Diagnostic| matches!(note.code, Code::CanicUnknownKey | Code::CanicSpelling);
    let place = |note: &Diagnostic| note.labels[0].span.clone();
    let spelled = notes.iter().filter(|note| note.code == Code::CanicSpelling);
    let spelled: HashMap<_, _> = spelled.map(|note| (place(note), note.help.clone())).collect();
    let told: HashSet<_> = notes.iter().filter(|note| !is_cause(note)).map(place).collect();
    notes.retain(|note| !is_cause(&note) || !told.contains(&place(note)));
    for note in notes {
        if let Some(help) = spelled.get(&place(note)) {
            note.help.clone_from(help);
        }
    }
}

fn is_warning(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity() == crate::diagnostic::Severity::Warning
}
