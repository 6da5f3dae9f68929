//! Diagnostics for programs: JSON of a stable form.
//!
//! The texts are given as they are, unescaped but for what JSON demands; offsets are in bytes, lines and columns from 1.

use serde::Serialize;

use super::{Diagnostic, Position, Severity};

/// The one object that is printed.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    version: u32,
    diagnostics: Vec<Problem<'a>>,
}

/// A diagnostic.
#[derive(Debug, Serialize)]
pub struct Problem<'a> {
    code: &'static str,
    severity: Severity,
    message: &'a str,
    help: Option<&'a str>,
    labels: Vec<Place<'a>>,
}

#[derive(Debug, Serialize)]
struct Place<'a> {
    file: &'a str,
    primary: bool,
    message: &'a str,
    start: Position,
    end: Position,
}

impl<'a> Report<'a> {
    /// Views diagnostics in their order, all of them.
    pub fn new(diagnostics: &'a [Diagnostic]) -> Self {
        Self { version: 1, diagnostics: problems(diagnostics) }
    }
}

/// Views diagnostics for an object that holds more than them.
pub fn problems(diagnostics: &[Diagnostic]) -> Vec<Problem<'_>> {
    diagnostics.iter().map(Problem::new).collect()
}

impl<'a> Problem<'a> {
    fn new(diagnostic: &'a Diagnostic) -> Self {
        let labels = diagnostic.labels.iter().enumerate().map(|(index, label)| {
            let (start, end) = label.positions();
            Place { file: label.source.name(), primary: index == 0, message: &label.message, start, end }
        });
        Self {
            code: diagnostic.code.as_str(),
            severity: diagnostic.severity(),
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
            labels: labels.collect(),
        }
    }
}
