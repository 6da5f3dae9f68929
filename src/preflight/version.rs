//! Which icp it is, and whether it is the one of the run before.

use crate::diagnostic::{Code, Diagnostic, Label};

/// Warns of an icp that was never measured; refuses one that is another than before, unless that is `accepted`.
pub fn judge(version: &str, before: Option<&str>, accepted: bool, at: Label) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let number = |text: &str| text.split_whitespace().last().unwrap_or_default().to_owned();
    if let Some(before) = before.filter(|before| *before != version && !accepted) {
        let message = format!("this is {version}, and the run before used {before}");
        let help = format!("say `--accept-icp-change` if {} is meant", number(version));
        diagnostics.push(Diagnostic::new(Code::IcpChanged, message, at.clone()).with_help(help));
    }
    if number(version).starts_with("0.") {
        let message = format!("{version} is older than 1.0, and its behaviour was never measured");
        diagnostics.push(Diagnostic::new(Code::OldIcp, message, at).with_help("install a newer icp"));
    }
    diagnostics
}
