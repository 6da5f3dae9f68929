//! The ancestor's formats: its own crate says what is to be accepted and refused.

#[cfg(test)]
mod differential;
#[cfg(test)]
pub(crate) mod generate;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod mutate;
#[cfg(test)]
mod said;

use std::sync::Arc;

use icp_restore::diagnostic::{Code, Diagnostic, Severity, Source};

/// What there is to say of a text: the code, and the text under the primary label.
fn found(source: &Arc<Source>, diagnostics: &[Diagnostic]) -> Vec<(Code, String)> {
    let under = |d: &Diagnostic| source.text()[d.labels[0].span.clone()].to_owned();
    diagnostics.iter().map(|d| (d.code, under(d))).collect()
}

fn refused(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity() == Severity::Error)
}
