//! A plan for a pull request: counts and risk first, then the digest to approve, the rest folded; bounded.

use std::collections::BTreeSet;

use super::{Changes, Estimate, Risk, Wave, waves};
use crate::{
    markdown::{Bounded, code, line},
    operation::{Operation, Operations},
    plan::Plan,
    preflight::words::{bytes, cycles},
    report::counted,
};

/// The most waves that are drawn: beyond, a diagram shows nothing any more.
const WAVES: usize = 30;

/// What is rendered.
#[derive(Debug)]
pub struct Page<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its operations.
    pub operations: &'a Operations,
    /// How much it touches.
    pub risk: &'a Risk,
    /// What it may cost.
    pub estimate: &'a Estimate,
    /// The command that runs it as it was reviewed.
    pub run: &'a str,
    /// What changed since another plan, and what that is called.
    pub changes: Option<(&'a str, &'a Changes)>,
}

/// Renders a plan in at most so many bytes, with the command of each operation.
pub fn render(page: &Page<'_>, command: impl Fn(&Operation) -> String, most: usize) -> String {
    let Page { plan, operations, risk, estimate, run, changes } = *page;
    let mut out = Bounded::new(most);
    out.line(&format!("## Restore of `{}`: {} stopped\n", plan.name, counted(risk.stopped, "canister")));
    out.line("| operations | canisters stopped | in place | relocated | without a way back | uploads | cost, about | downtime, about |");
    out.line("|--:|--:|--:|--:|--:|--:|--:|--:|");
    out.line(&format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
        operations.len(),
        risk.stopped,
        risk.in_place,
        risk.relocated,
        risk.without_safety,
        bytes(estimate.bytes),
        cycles(estimate.cycles),
        estimate.spoken_downtime(),
    ));
    let warnings = warnings(risk, estimate);
    out.rows(warnings.iter().map(|warning| format!("- ⚠️ {warning}")));
    if !warnings.is_empty() {
        out.line("");
    }
    out.line(&format!("Once it is approved, this meaning and nothing else is run by:\n\n```\n{}\n```\n", line(run)));
    if let Some((reference, changes)) = changes {
        change(&mut out, reference, changes);
    }
    let waves = waves(operations);
    if let Some(graph) = graph(&waves) {
        out.block(&graph);
    }
    out.fold(&format!("All {}", counted(operations.len(), "operation")), |out| {
        out.line("| # | operation | member | canister | command |");
        out.line("|--:|:--|:--|:--|:--|");
        out.rows(operations.iter().map(|operation| {
            format!(
                "| {} | {} | `{}` | `{}` | {} |",
                operation.sequence,
                operation.kind,
                operation.member,
                operation.target,
                code(&command(operation))
            )
        }));
    });
    out.line(&format!("_Cycles: 2,000 a byte on 13 nodes, here on {}. Downtime: 5 s a call, {} at once; canisters that finish long calls, and large loads, take longer._", plan.caller.subnet_nodes, plan.limits.other));
    out.finish()
}

fn warnings(risk: &Risk, estimate: &Estimate) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |count: usize, text: &str| {
        if count > 0 {
            warnings.push(format!("{}: {text}", counted(count, "canister")));
        }
    };
    warn(risk.without_safety, "no safety snapshot is taken, so there is **no way back**");
    warn(
        risk.relocated,
        "the snapshot of another canister is loaded; controllers, settings, cycles and keys do not travel",
    );
    warn(risk.without_proof, "the code is not verified after the load");
    warn(risk.left_stopped, "stays stopped in the end");
    if risk.reloads {
        warnings.push("a load whose outcome is unknown is made again without asking".to_owned());
    }
    if risk.deleted > 0 {
        warnings.push(format!("{} deleted in the end", counted(risk.deleted, "uploaded snapshot")));
    }
    if estimate.unseen > 0 {
        warnings.push(format!("{} not here, so not in the estimate", counted(estimate.unseen, "artifact")));
    }
    warnings
}

fn change(out: &mut Bounded, reference: &str, changes: &Changes) {
    let (added, removed, changed) = changes.counts();
    out.line(&format!("### Against {}\n", code(reference)));
    if changes.was == changes.is {
        out.line("Nothing changed: the meaning, and so the digest, is the same.\n");
        return;
    }
    out.line(&format!(
        "**{added} added, {removed} removed, {changed} changed**; the digest was `sha256:{}`.\n",
        changes.was
    ));
    let rows = |out: &mut Bounded| {
        out.line("| | operation | member | because of |");
        out.line("|:--|:--|:--|:--|");
        out.rows(changes.operations.iter().map(|change| {
            format!(
                "| {} | {} | `{}` | {} |",
                change.what.as_str(),
                change.kind,
                change.member,
                code(&change.because.join(", "))
            )
        }));
        out.line("");
    };
    if changes.operations.len() <= 25 {
        if !changes.operations.is_empty() {
            rows(out);
        }
    } else {
        out.fold(&counted(changes.operations.len(), "operation"), rows);
    }
    out.fold(&format!("In meaning: {}", counted(changes.meaning.len(), "difference")), |out| {
        out.line("| what | was | is |");
        out.line("|:--|:--|:--|");
        let side = |side: &Option<String>| side.as_ref().map_or("nothing".to_owned(), |text| code(text));
        out.rows(changes.meaning.iter().map(|d| format!("| {} | {} | {} |", code(&d.what), side(&d.was), side(&d.is))));
    });
}

/// The waves as a diagram. Names of members are of letters, digits and `-._` alone, so nothing needs quoting.
fn graph(waves: &[Wave<'_>]) -> Option<String> {
    if waves.is_empty() || waves.len() > WAVES {
        return None;
    }
    let mut graph = "```mermaid\nflowchart LR\n".to_owned();
    for (index, wave) in waves.iter().enumerate() {
        let mut names: Vec<&str> = wave.members.iter().take(4).map(|name| name.as_str()).collect();
        let more = wave.members.len().saturating_sub(names.len());
        let rest = format!("and {more} more");
        if more > 0 {
            names.push(&rest);
        }
        graph += &format!("  w{index}[\"{}<br/>{}\"]\n", wave.kind, names.join("<br/>"));
    }
    // What another wave waits for already needs no arrow of its own.
    let mut all: Vec<BTreeSet<usize>> = Vec::new();
    for (index, wave) in waves.iter().enumerate() {
        let implied: BTreeSet<usize> =
            wave.after.iter().filter_map(|before| all.get(*before)).flatten().copied().collect();
        graph.extend(wave.after.difference(&implied).map(|before| format!("  w{before} --> w{index}\n")));
        all.push(implied.union(&wave.after).copied().collect());
    }
    Some(graph + "```\n")
}
