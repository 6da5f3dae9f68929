//! A journal and its plan: the one inside it, and the one beside it.

use std::sync::Arc;

use super::{Checker, RESTORE, fit};
use crate::{
    diagnostic::{Code, Diagnostic, Source},
    id::Name,
    journal::event::Opened,
    operation::{self, Operation, Sequence},
    plan::{self, Reading},
};

impl Checker<'_> {
    /// The plan in the journal must be the one that its digest and its operations are of. Yields the operations that were
    /// meant, where others are there.
    pub(super) fn plan(&mut self, opened: &Opened, number: usize) -> Option<Vec<Operation>> {
        let text = Source::new(format!("the plan in {}", self.source.name()), opened.text.as_str());
        let Ok(reading) = plan::read(&text) else {
            let label = self.source.label(self.field(number, &["text"]), "not a valid plan");
            let diagnostic = Diagnostic::new(Code::PlanDigest, "the plan in the journal cannot be read", label);
            self.push(diagnostic.with_help(RESTORE));
            return None;
        };
        let narrowed = |plan: &plan::Plan| match opened.only.is_empty() {
            true => plan.clone(),
            false => plan.only(&opened.only),
        };
        let plan = narrowed(&reading.plan);
        let beside = self.plans.iter().find(|beside| beside.plan.name == opened.plan);
        let shown =
            beside.filter(|beside| narrowed(&beside.plan).digest() == opened.digest).copied().unwrap_or(&reading);
        let names = shown.plan.members.iter().map(|member| member.name.clone());
        let places = shown.places.members.iter().map(|places| places.name.clone());
        self.places = Some((Arc::clone(&shown.places.source), names.zip(places).collect()));
        let plan_digest = plan.digest();
        if plan_digest != opened.digest {
            let at = self.field(number, &["digest"]);
            let digest = self.source.label(at, "not the digest of the plan in this journal");
            let message = format!("the digest of the journal is not that of its plan, {plan_digest}");
            let text = self.source.label(self.field(number, &["text"]), "this plan");
            let diagnostic = Diagnostic::new(Code::PlanDigest, message, digest).with_label(text);
            self.push(diagnostic.with_help(RESTORE));
        } else if let Some(beside) = beside.filter(|beside| narrowed(&beside.plan).digest() != opened.digest) {
            self.other_plan(&plan, beside, number);
        }
        let compiled = operation::compile(&plan.resolved(&opened.targets));
        let differs = compiled.iter().zip(&opened.operations).position(|(wanted, is)| wanted != is);
        let differs = differs
            .or((compiled.len() != opened.operations.len()).then_some(compiled.len().min(opened.operations.len())));
        let index = differs?;
        let line = &self.source.text()[self.lines[number - 1].clone()];
        let start = self.lines[number - 1].start;
        let wanted = compiled.get(Sequence(u32::try_from(index).unwrap_or(u32::MAX)));
        let span = fit::differs(line, index, wanted);
        let label = self.source.label(start + span.start..start + span.end, "not what the plan compiles to");
        let message = format!("operation {index} of the journal is not the plan's");
        let diagnostic = Diagnostic::new(Code::JournalOperations, message, label);
        let member = wanted.map(|operation| operation.member.clone());
        self.push_with_plan(diagnostic.with_help(RESTORE), member.as_ref());
        (plan_digest == opened.digest).then(|| compiled.iter().cloned().collect())
    }

    /// A plan of the same name that was given beside the journal says something else by now.
    fn other_plan(&mut self, plan: &plan::Plan, beside: &Reading, number: usize) {
        let label = self.source.label(self.field(number, &["digest"]), "of the plan as it was");
        let differences = plan.differences(&beside.plan);
        let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        let first = differences.first().map_or_else(String::new, |first| {
            let more =
                if differences.len() > 1 { format!(" (and {} more)", differences.len() - 1) } else { String::new() };
            format!(": {} was {}, is {}{more}", first.what, text(&first.was), text(&first.is))
        });
        let name = beside.places.source.name();
        let message = format!("{name} is not the plan that this journal is of{first}");
        let mut diagnostic = Diagnostic::new(Code::PlanDigest, message, label);
        let at = differences.iter().find_map(|difference| {
            let member = difference.what.strip_prefix("member ")?.split(':').next()?;
            let index = beside.plan.members.iter().position(|known| known.name.as_str() == member)?;
            beside.places.members.get(index).map(|places| places.name.clone())
        });
        let at = at.unwrap_or(beside.places.root.clone());
        diagnostic = diagnostic.with_label(beside.places.source.label(at, "changed since the run began"));
        let help = "go on with the plan as it was, or begin anew with another `--journal`";
        self.push(diagnostic.with_help(help));
    }

    /// Shows the member in its plan too.
    pub(super) fn push_with_plan(&mut self, mut diagnostic: Diagnostic, member: Option<&Name>) {
        if let (Some(name), Some((source, places))) = (member, &self.places)
            && let Some(place) = places.get(name)
        {
            diagnostic = diagnostic.with_label(source.label(place.clone(), "the member in the plan"));
        }
        self.push(diagnostic);
    }
}
