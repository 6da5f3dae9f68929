//! Reading an upload back: the one full proof that a snapshot holds what was sent.
//!
//! Made where it is asked for, and always of an upload that was pieced together from several attempts: icp sends nothing
//! again that it takes for sent. The download lies in a private directory beside the journal and goes when it is compared.

use std::{fs, num::NonZeroUsize, ops::ControlFlow, os::unix::fs::DirBuilderExt as _};

use camino::Utf8Path;

use super::worker::{Proof, Worker};
use crate::{
    artifact::{self, metadata, readback},
    icp::{Answer, Call},
    id::SnapshotId,
    journal::event::Aim,
    operation::Kind,
};

/// What reading back has shown.
pub(super) enum ReadBack {
    /// All of it is there, or nobody asked.
    Proved(Proof),
    /// Something else is there: the snapshot is left behind.
    Differs(Proof),
    /// It could not be read.
    Open(String),
}

impl Worker<'_> {
    pub(super) fn read_back(&self, mut proof: Proof) -> ReadBack {
        let upload = self.operation.kind == Kind::UploadSnapshot && self.aim == Aim::Do;
        let Some(id) = proof.snapshot_id.clone().filter(|_| upload) else { return ReadBack::Proved(proof) };
        if !self.runner.options.verify_upload && !self.facts.pieced {
            return ReadBack::Proved(proof);
        }
        let folder = self.facts.folder.join(format!("readback-{}", self.operation.sequence));
        let compared = clear(&folder).and_then(|()| self.compare(&id, &folder));
        // What stays is cleared before the next time.
        let _cleared = clear(&folder);
        match compared {
            Ok(differences) if differences.is_empty() => {
                proof.notes.push("proved by reading it back".to_owned());
                ReadBack::Proved(proof)
            }
            Ok(differences) => {
                let mut orphans = proof.orphans;
                orphans.push(id.clone());
                let mut notes = vec![format!("{id} was read back, and is not what was sent")];
                notes.extend(differences.into_iter().take(20));
                ReadBack::Differs(Proof { orphans, notes, ..Proof::default() })
            }
            Err(why) => ReadBack::Open(format!("{id} could not be read back, so it is not proved: {why}")),
        }
    }

    /// Everything that came back otherwise than it was sent.
    fn compare(&self, id: &SnapshotId, folder: &Utf8Path) -> Result<Vec<String>, String> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| format!("{folder} cannot be made: {error}"))?;
        // icp makes the directory that it downloads into.
        let download = folder.join("snapshot");
        let sent = self.artifact().map_err(|_| "the artifact is not known".to_owned())?;
        let timeout = self.runner.plan.timeouts.upload;
        let call = Call::Download(self.target(), id, &download);
        let reply = self.runner.icp.ask(call, timeout, self.runner.interrupt).map_err(|error| error.to_string())?;
        match Answer::of(&reply) {
            Answer::Done => {}
            Answer::Rejected(rejection) => return Err(rejection.message),
            Answer::NotSent(why) | Answer::Unknown(why) => return Err(why),
        }
        let seals = artifact::seal::all([download.as_path()], NonZeroUsize::MIN, &|_| ControlFlow::Continue(()));
        let got = match seals.into_values().next() {
            Some(Ok(seal)) => seal,
            Some(Err(problems)) => return Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
            None => return Err(format!("{download} cannot be sealed")),
        };
        let mut differences = readback::blobs(&sent.seal, &got);
        let read = |path: &Utf8Path, seal| metadata::read(path, seal).map_err(|error| error.to_string());
        let (before, after) = (read(&sent.path, &sent.seal)?, read(&download, &got)?);
        differences.extend(readback::metadata(&before.metadata, &after.metadata));
        Ok(differences.iter().map(ToString::to_string).collect())
    }
}

fn clear(folder: &Utf8Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{folder} cannot be removed: {error}"))
        }
        _ => Ok(()),
    }
}
