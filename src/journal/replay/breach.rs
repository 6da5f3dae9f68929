//! Why an event cannot be, for the checker to show on its line.

use crate::{diagnostic::Code, operation::Sequence};

/// An event that cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The kind of problem.
    pub code: Code,
    /// The fact.
    pub message: String,
    /// The field of the event that says it.
    pub at: &'static [&'static str],
    /// What the label there says.
    pub label: String,
    /// A line before that it contradicts, from 1, with the field and what to say of it.
    pub other: Option<(usize, &'static [&'static str], String)>,
}

impl Breach {
    pub(in crate::journal) fn new(
        code: Code,
        message: impl Into<String>,
        at: &'static [&'static str],
        label: impl Into<String>,
    ) -> Self {
        Self { code, message: message.into(), at, label: label.into(), other: None }
    }

    pub(super) fn no_operation(sequence: Sequence) -> Self {
        let message = format!("there is no operation {sequence}");
        Self::new(Code::JournalOperation, message, &["operation"], "no such operation")
    }

    /// Names the line that it contradicts; 0, of an operation without events, is none.
    pub(in crate::journal) fn and(
        mut self,
        line: usize,
        at: &'static [&'static str],
        label: impl Into<String>,
    ) -> Self {
        self.other = (line > 0).then(|| (line, at, label.into()));
        self
    }
}
