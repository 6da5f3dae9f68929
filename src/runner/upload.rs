//! Uploading a snapshot from a staging directory of its own, and going on with an upload that was cut short.
//!
//! A snapshot has its id before it has its data, and is listed with its full size from then on. So four things together
//! prove an upload, and nothing less: icp succeeded, the id is new, its progress file is gone, staging is as it was.

use std::{num::NonZeroUsize, ops::ControlFlow};

use camino::Utf8PathBuf;

use super::{
    Artifact,
    listed::{full, ids, names, size},
    readback::ReadBack,
    worker::{End, Found, Proof, Ready, Worker, blocked},
};
use crate::{
    artifact::{
        STABLE_MEMORY, WASM_MEMORY, WASM_MODULE,
        progress::{self, Progress},
        stage,
    },
    icp::{Call, Reply, Snapshots, status::parse_id},
    id::SnapshotId,
    journal::event::Before,
    plan::Target,
};

impl<'a> Worker<'a> {
    pub(super) fn prepare_upload(&mut self) -> Result<Ready, End> {
        let (artifact, staging) = (self.artifact()?, self.staging());
        let all = |problems: Vec<stage::Problem>| {
            blocked(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        };
        stage::stage(&artifact.path, &artifact.seal, &staging).map_err(all)?;
        let interrupt = self.runner.interrupt;
        let watch = |_| if interrupt.is_set() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let verified = stage::verify(&artifact.path, &artifact.seal, &staging, NonZeroUsize::MIN, &watch);
        verified.map_err(|problems| if interrupt.is_set() { End::Interrupted } else { all(problems) })?;
        let listed = self.snapshots()?;
        let resumed = self.resumable(&listed)?;
        self.facts.pieced = resumed.is_some();
        if resumed.is_none() {
            progress::put_aside(&staging).map_err(|problem| blocked(problem.to_string()))?;
            full(self.target(), &listed)?;
        }
        // Whatever came since the first attempt and is not accounted for is new still: what is filled further, and what
        // an attempt left behind that nobody could look after.
        let accounted = |id: &SnapshotId| match &self.facts.before {
            Some(Before { snapshots: Some(first), .. }) if self.facts.attempts > 0 => {
                first.contains(id) || self.facts.orphans.contains(id)
            }
            _ => true,
        };
        let known = ids(&listed).into_iter().filter(|id| accounted(id) && Some(id) != resumed.as_ref()).collect();
        let before = Before { snapshots: Some(known), ..Before::default() };
        let call = Call::Upload { target: self.target(), input: &staging, resume: resumed.is_some() };
        Ok(Ready::Run(self.command(call), before, self.runner.plan.timeouts.upload))
    }

    /// The snapshot that an earlier attempt began and this one can fill further: named by the progress file in our own
    /// staging, still listed, of this canister, and not there before that attempt.
    fn resumable(&self, listed: &Snapshots) -> Result<Option<SnapshotId>, End> {
        let found = progress::read(&self.staging()).map_err(|problem| blocked(problem.to_string()))?;
        let Progress::Found(upload) = found else { return Ok(None) };
        let artifact = self.artifact()?;
        let id = upload.snapshot_id.clone();
        let new = self
            .facts
            .before
            .as_ref()
            .is_some_and(|before| before.snapshots.as_ref().is_some_and(|known| !known.contains(&id)));
        let here = listed.iter().any(|listed| listed.id == id)
            && id.owner().map(Target::Canister).as_ref() == Some(self.target());
        Ok((new && here && self.facts.attempts > 0 && upload.metadata_uploaded && upload.fits(&artifact.seal))
            .then_some(id))
    }

    pub(super) fn uploaded(&mut self, reply: &Reply) -> Result<Proof, String> {
        let id = parse_id(&reply.stdout).ok_or("icp succeeded, and named no snapshot that can be read")?;
        let listed = self.snapshots().map_err(|_| "the snapshots of the canister cannot be listed")?;
        self.proved(&id, &listed)
    }

    /// An upload is settled by what icp printed, or else it goes on or begins anew.
    pub(super) fn settle_upload(&mut self, stdout: &str, evidence: &mut Vec<String>) -> Result<Found, End> {
        let listed = self.settling(|| self.snapshots())?;
        let new = self.new_since_claim(&listed);
        evidence.push(format!("snapshots new since the claim: {}", names(&new)));
        if let Some(id) = parse_id(stdout) {
            evidence.push(format!("icp printed {id}"));
            match self.proved(&id, &listed).map(|proof| self.read_back(proof)) {
                Ok(ReadBack::Proved(proof)) => return Ok(Found::Completed(proof)),
                // It is not filled further, and what icp takes for sent is not sent again: it is uploaded anew.
                Ok(ReadBack::Differs(proof)) => {
                    evidence.extend(proof.notes);
                    return Ok(Found::NotApplied(proof.orphans));
                }
                Ok(ReadBack::Open(why)) => return Ok(Found::Open(why)),
                Err(why) => evidence.push(why),
            }
        }
        let resumed = self.resumable(&listed)?;
        if let Some(id) = &resumed {
            evidence.push(format!("the progress file names {id}: it is filled further"));
        }
        Ok(Found::NotApplied(self.left(&listed, resumed.as_ref())))
    }

    /// What a refused upload left: all that is new, but for what can be filled further.
    pub(super) fn upload_leftovers(&mut self) -> Vec<SnapshotId> {
        let Ok(listed) = self.snapshots() else { return Vec::new() };
        let resumed = self.resumable(&listed).ok().flatten();
        self.left(&listed, resumed.as_ref())
    }

    /// What is new and of the declared size of the artifact: it came from our metadata, and not from somebody who took a
    /// snapshot at the same time. Nothing else may ever be deleted as ours.
    fn left(&self, listed: &Snapshots, but: Option<&SnapshotId>) -> Vec<SnapshotId> {
        let Ok(artifact) = self.artifact() else { return Vec::new() };
        let blobs = [WASM_MODULE, WASM_MEMORY, STABLE_MEMORY];
        let least: u64 = blobs.iter().filter_map(|blob| artifact.seal.file(blob)).map(|file| file.size).sum();
        let most = artifact.seal.files.iter().map(|file| file.size).sum::<u64>() + (4 << 10);
        let new = self.new_since_claim(listed).into_iter().filter(|id| Some(id) != but);
        new.filter(|id| size(listed, id).is_some_and(|size| (least..=most).contains(&size))).collect()
    }

    fn proved(&self, id: &SnapshotId, listed: &Snapshots) -> Result<Proof, String> {
        let new = self.new_since_claim(listed);
        if !new.contains(id) {
            return Err(format!("{id} is not a new snapshot of {}", self.target()));
        }
        if !matches!(progress::read(&self.staging()), Ok(Progress::None)) {
            return Err("the upload was not brought to its end: its progress file is there".to_owned());
        }
        let Ok(artifact) = self.artifact() else { return Err("the artifact is not known".to_owned()) };
        if stage::check(&artifact.path, &artifact.seal, &self.staging()).is_err() {
            return Err("staging was changed during the upload".to_owned());
        }
        // icp repeats its first call by itself, which leaves a second, unfinished snapshot.
        let orphans = self.left(listed, Some(id));
        let notes =
            if orphans.is_empty() { vec![] } else { vec![format!("left behind unfinished: {}", names(&orphans))] };
        let snapshot_size = size(listed, id);
        let module_hash = artifact.seal.module_hash();
        Ok(Proof { snapshot_id: Some(id.clone()), snapshot_size, module_hash, orphans, notes })
    }

    pub(super) fn artifact(&self) -> Result<&'a Artifact, End> {
        self.runner.artifacts.get(&self.member.name).ok_or_else(|| blocked("the artifact is not known"))
    }

    fn staging(&self) -> Utf8PathBuf {
        self.facts.folder.join(format!("staging-{}", self.operation.sequence))
    }
}
