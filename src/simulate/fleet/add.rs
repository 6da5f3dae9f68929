//! Puts canisters into a new fleet.

use std::{collections::BTreeMap, fs, io::ErrorKind};

use super::{Fleet, now, write};
use crate::{
    id::Digest,
    simulate::{Blob, Canister, CanisterSpec, Content, Error, Snapshot, SnapshotSource, SnapshotSpec, state::Extra},
};

impl Fleet {
    /// Adds a canister.
    pub(super) fn add(&self, spec: &CanisterSpec) -> Result<(), Error> {
        let directory = self.directory(spec.principal);
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::Twice(spec.principal.to_text()));
            }
            made => made.map_err(Error::io("create", &directory))?,
        }
        if let Some(name) = &spec.name {
            let path = self.root.join("names").join(name.as_str());
            if path.exists() {
                return Err(Error::Twice(name.to_string()));
            }
            fs::write(&path, spec.principal.to_text()).map_err(Error::io("write", &path))?;
        }
        let module = match &spec.module {
            Some(module) => Some(self.keep(module)?),
            None => None,
        };
        let mut canister = Canister {
            principal: spec.principal,
            name: spec.name.clone(),
            controllers: spec.controllers.clone(),
            status: spec.status,
            stops_at: None,
            stop_takes: spec.stop_takes,
            module_hash: module.as_ref().map(Blob::digest).transpose()?,
            module,
            heap: self.keep(&spec.heap)?,
            stable: self.keep(&spec.stable)?,
            chunks: BTreeMap::new(),
            cycles: spec.cycles,
            settings: spec.settings.clone(),
            methods: spec.methods.clone(),
            snapshots: Vec::new(),
            next_snapshot: 0,
            version: 1,
            extra: Extra::default(),
            applied: 0,
        };
        for snapshot in &spec.snapshots {
            let snapshot = self.keep_snapshot(snapshot)?;
            let next = snapshot.id.number().map_or(0, |number| number + 1);
            canister.next_snapshot = canister.next_snapshot.max(next);
            canister.snapshots.push(snapshot);
        }
        write(&directory.join("state.json"), &canister)
    }

    fn keep(&self, content: &Content) -> Result<Blob, Error> {
        match content {
            Content::Bytes(bytes) if bytes.is_empty() => Ok(Blob::zeros(0)),
            Content::Bytes(bytes) => {
                let path = self.data(&Digest::of(bytes).to_string());
                if !path.exists() {
                    fs::write(&path, bytes).map_err(Error::io("write", &path))?;
                }
                Ok(Blob::of_file(&path, bytes.len() as u64))
            }
            Content::File(path) => {
                let size = fs::metadata(path).map_err(Error::io("find", path))?.len();
                Ok(Blob::of_file(path, size))
            }
            Content::Digest { size, digest } => Ok(Blob::opaque(*size, *digest)),
        }
    }

    fn keep_snapshot(&self, spec: &SnapshotSpec) -> Result<Snapshot, Error> {
        Ok(Snapshot {
            id: spec.id.clone(),
            source: SnapshotSource::Taken,
            taken_at: now(),
            canister_version: 1,
            module: self.keep(&spec.module)?,
            heap: self.keep(&spec.heap)?,
            stable: self.keep(&spec.stable)?,
            chunks: BTreeMap::new(),
            extra: Extra::default(),
        })
    }
}
