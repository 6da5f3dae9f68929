//! `--events`: the stream of a run, to a file or to stdout.

use std::{
    fs::File,
    io::{self, Write},
};

use camino::Utf8Path;

use super::{Exit, Failure};
use crate::events::Line;

/// Where events go. A reader that is gone ends nothing: the journal is the truth.
pub(super) struct Stream {
    out: Option<Box<dyn Write>>,
}

impl Stream {
    /// Opens a stream; without a place, one that goes nowhere.
    pub(super) fn open(place: Option<&Utf8Path>) -> Result<Self, Failure> {
        let out: Option<Box<dyn Write>> = match place {
            None => None,
            Some(place) if place == "-" => Some(Box::new(io::stdout())),
            Some(file) => Some(Box::new(File::create(file).map_err(|error| {
                Failure::new(Exit::Internal, format!("events cannot be written to {file}: {error}"))
                    .with_help("name another file with `--events`")
            })?)),
        };
        Ok(Self { out })
    }

    /// Writes a line, at once.
    pub(super) fn send(&mut self, line: &Line) {
        let Some(out) = &mut self.out else { return };
        let written = serde_json::to_string(line)
            .map_err(io::Error::from)
            .and_then(|text| out.write_all((text + "\n").as_bytes()))
            .and_then(|()| out.flush());
        if written.is_err() {
            self.out = None;
        }
    }
}
