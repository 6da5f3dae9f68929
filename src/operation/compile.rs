//! Plan → operations. Cannot fail: whatever could go wrong was found when the plan was read.
//!
//! The order: all uploads; stops, parents first; safety snapshots; loads, parents first; starts, children first, each
//! member verified before what it depends on opens; the fleet; cleanup. A phase waits for the one before it through its
//! first operation alone, which waits for all of that phase, while the others wait for the first: the edges of a fleet
//! grow with its members and not with their square.

use super::{Kind, Operation, Operations, Sequence, Which};
use crate::plan::{Cleanup, Final, Member, Plan, Snapshot};

/// Puts what a plan asks for in order.
pub fn compile(plan: &Plan) -> Operations {
    let mut compiler = Compiler { plan, operations: Vec::new() };
    let members = 0..plan.members.len();

    let uploaded: Vec<_> = members
        .clone()
        .map(|m| {
            let artifact = matches!(plan.members[m].snapshot, Snapshot::Artifact { .. });
            artifact.then(|| compiler.push(Kind::UploadSnapshot, m, vec![], None))
        })
        .collect();
    let mut before: Vec<Sequence> = uploaded.iter().flatten().copied().collect();

    let mut stopped: Vec<Sequence> = Vec::new();
    for m in members.clone() {
        let parents = plan.members[m].depends_on.iter().map(|&parent| stopped[parent]);
        let after = gate(&before, stopped.first(), parents);
        stopped.push(compiler.push(Kind::StopCanister, m, after, None));
    }
    before.clone_from(&stopped);
    if plan.safety.snapshot {
        before = members.clone().map(|m| compiler.push(Kind::TakeSnapshot, m, vec![stopped[m]], None)).collect();
    }

    let mut loaded: Vec<Sequence> = Vec::new();
    for m in members.clone() {
        let parents = plan.members[m].depends_on.iter().map(|&parent| loaded[parent]);
        let after = gate(&before, loaded.first(), parents);
        let snapshot = match (&plan.members[m].snapshot, uploaded[m]) {
            (Snapshot::OnChain { id, .. }, _) => Some(Which::Known(id.clone())),
            (Snapshot::Artifact { .. }, upload) => upload.map(Which::MadeBy),
        };
        loaded.push(compiler.push(Kind::LoadSnapshot, m, after, snapshot));
    }

    let mut opened: Option<Sequence> = None;
    let mut verified: Vec<Option<Sequence>> = vec![None; plan.members.len()];
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); plan.members.len()];
    for (m, member) in plan.members.iter().enumerate() {
        member.depends_on.iter().for_each(|&parent| children[parent].push(m));
    }
    for m in members.rev() {
        let below = children[m].iter().filter_map(|&child| verified[child]);
        let mut after = gate(&loaded, opened.as_ref(), below);
        if plan.members[m].r#final != Final::Stopped {
            let start = compiler.push(Kind::StartCanister, m, after, None);
            opened = opened.or(Some(start));
            after = vec![start];
        }
        let verify = compiler.push(Kind::VerifyMember, m, after, None);
        opened = opened.or(Some(verify));
        verified[m] = Some(verify);
    }

    if !plan.members.is_empty() {
        let mut all: Vec<Sequence> = verified.iter().flatten().copied().collect();
        all.sort_unstable();
        let fleet = compiler.push(Kind::VerifyFleet, 0, all, None);
        if plan.safety.cleanup == Cleanup::OnSuccess {
            for (m, upload) in uploaded.iter().enumerate() {
                if let Some(upload) = upload {
                    compiler.push(Kind::DeleteSnapshot, m, vec![fleet], Some(Which::MadeBy(*upload)));
                }
            }
        }
    }
    Operations::new(compiler.operations)
}

/// What an operation of a phase waits for: the first one for the whole phase before, the others for the first one; and
/// each for its own.
fn gate(before: &[Sequence], first: Option<&Sequence>, own: impl Iterator<Item = Sequence>) -> Vec<Sequence> {
    let mut after: Vec<Sequence> = match first {
        Some(first) => vec![*first],
        None => before.to_vec(),
    };
    after.extend(own);
    after.sort_unstable();
    after.dedup();
    after
}

struct Compiler<'a> {
    plan: &'a Plan,
    operations: Vec<Operation>,
}

impl Compiler<'_> {
    fn push(&mut self, kind: Kind, member: usize, after: Vec<Sequence>, snapshot: Option<Which>) -> Sequence {
        let Member { name, source, target, .. } = &self.plan.members[member];
        // A plan has at most as many operations as its text has bytes, which `plan::LARGEST` bounds.
        let sequence = Sequence(u32::try_from(self.operations.len()).unwrap_or(u32::MAX));
        let (member, target) = (name.clone(), target.clone());
        self.operations.push(Operation { sequence, kind, member, source: *source, target, after, snapshot });
        sequence
    }
}
