//! Puts canisters into a new fleet.

use std::{collections::BTreeMap, fs, io::ErrorKind};

use camino::Utf8Path;

use super::{Fleet, now, save};
use crate::simulate::{
    Blob, Canister, CanisterSpec, Content, Error, Snapshot, SnapshotSource, SnapshotSpec, state::Extra,
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
        let data = directory.join("data");
        fs::create_dir(&data).map_err(Error::io("create", &data))?;
        if let Some(name) = &spec.name {
            let path = self.root.join("names").join(name.as_str());
            if path.exists() {
                return Err(Error::Twice(name.to_string()));
            }
            fs::write(&path, spec.principal.to_text()).map_err(Error::io("write", &path))?;
        }
        let module = match &spec.module {
            Some(module) => Some(keep(module, &data, "module")?),
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
            heap: keep(&spec.heap, &data, "heap")?,
            stable: keep(&spec.stable, &data, "stable")?,
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
            let snapshot = keep_snapshot(snapshot, &data)?;
            let next = snapshot.id.number().map_or(0, |number| number + 1);
            canister.next_snapshot = canister.next_snapshot.max(next);
            canister.snapshots.push(snapshot);
        }
        save(&directory.join("state.json"), &canister)
    }
}

fn keep(content: &Content, data: &Utf8Path, name: &str) -> Result<Blob, Error> {
    match content {
        Content::Bytes(bytes) if bytes.is_empty() => Ok(Blob::zeros(0)),
        Content::Bytes(bytes) => {
            let path = data.join(name);
            fs::write(&path, bytes).map_err(Error::io("write", &path))?;
            Ok(Blob::of_file(&path, bytes.len() as u64))
        }
        Content::File(path) => {
            let size = fs::metadata(path).map_err(Error::io("find", path))?.len();
            Ok(Blob::of_file(path, size))
        }
        Content::Digest { size, digest } => Ok(Blob::opaque(*size, *digest)),
    }
}

fn keep_snapshot(spec: &SnapshotSpec, data: &Utf8Path) -> Result<Snapshot, Error> {
    let part = |content, name| keep(content, data, &format!("{}-{name}", spec.id));
    Ok(Snapshot {
        source: SnapshotSource::Taken,
        taken_at: now(),
        canister_version: 1,
        module: part(&spec.module, "module")?,
        heap: part(&spec.heap, "heap")?,
        stable: part(&spec.stable, "stable")?,
        chunks: BTreeMap::new(),
        extra: Extra::default(),
        id: spec.id.clone(),
    })
}
