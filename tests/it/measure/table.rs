//! What was counted, by kind of mutation.

#![cfg(test)]

use std::{collections::BTreeMap, fmt, ops::Range};

use icp_restore::diagnostic::{Diagnostic, Severity};

/// The counts of one kind of mutation.
#[derive(Debug, Default, Clone)]
pub(super) struct Row {
    pub(super) tried: usize,
    pub(super) detected: usize,
    pub(super) some: usize,
    pub(super) first: usize,
    /// First errors whose label is the token, and not much more than it.
    pub(super) exact: usize,
    pub(super) errors: usize,
    /// A few that went wrong, to be looked at.
    pub(super) examples: Vec<String>,
}

/// All kinds.
#[derive(Debug, Default)]
pub(super) struct Table(pub(super) BTreeMap<&'static str, Row>);

impl Table {
    /// Counts what was said of a mutation of these tokens (any of them will do).
    pub(super) fn count(&mut self, kind: &'static str, tokens: &[Range<usize>], said: &[Diagnostic], example: String) {
        let row = self.0.entry(kind).or_default();
        let errors: Vec<&Diagnostic> = said.iter().filter(|d| d.severity() == Severity::Error).collect();
        let hit = |d: &&&Diagnostic| tokens.iter().any(|token| covers(d, token));
        row.tried += 1;
        row.detected += usize::from(!errors.is_empty());
        row.some += usize::from(errors.iter().any(|d| hit(&d)));
        row.first += usize::from(errors.first().as_ref().is_some_and(hit));
        let narrow = |d: &&&Diagnostic| tokens.iter().any(|token| d.labels[0].range().len() <= token.len() + 20);
        row.exact += usize::from(errors.first().as_ref().is_some_and(|d| hit(d) && narrow(d)));
        row.errors += errors.len();
        if !errors.first().as_ref().is_some_and(hit) && row.examples.len() < 3 {
            row.examples.push(example);
        }
    }

    /// The share of `part` in what was detected, of all kinds together.
    pub(super) fn share(&self, part: impl Fn(&Row) -> usize) -> f64 {
        let detected: usize = self.0.values().map(|row| row.detected).sum();
        let part: usize = self.0.values().map(part).sum();
        part as f64 / detected as f64
    }
}

/// Whether the primary label of a problem lies on a token: it meets it, and is not much more than it.
pub(super) fn covers(diagnostic: &Diagnostic, token: &Range<usize>) -> bool {
    let label = diagnostic.labels[0].range();
    label.start < token.end.max(token.start + 1) && token.start < label.end.max(label.start + 1)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<28} {:>6} {:>9} {:>6} {:>6} {:>6} {:>7}",
            "mutation", "tried", "detected", "some", "first", "exact", "errors"
        )?;
        for (kind, row) in &self.0 {
            let (tried, detected, some, first) = (row.tried, row.detected, row.some, row.first);
            let exact = row.exact;
            let each = row.errors as f64 / row.detected.max(1) as f64;
            writeln!(f, "{kind:<28} {tried:>6} {detected:>9} {some:>6} {first:>6} {exact:>6} {each:>7.2}")?;
        }
        let (some, first) = (self.share(|row| row.some) * 100.0, self.share(|row| row.first) * 100.0);
        write!(f, "primary label of some error on the token: {some:.2} %, of the first: {first:.2} %")
    }
}
