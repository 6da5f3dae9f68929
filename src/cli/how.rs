//! How far a run goes, and how: what `run`, `rehearse` and `rollback` take.

use std::time::Duration;

use camino::Utf8PathBuf;

use super::{Exit, Failure, shards::Partition};
use crate::operation::Phase;

/// How far and how.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct How {
    /// The journal; by default NAME.journal.jsonl beside the plan, and of a rehearsal in its folder.
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<Utf8PathBuf>,
    /// Upload this share of the snapshots alone, into a journal of its own: 3/16 is the third of sixteen.
    #[arg(
        long,
        value_name = "WHICH/OF",
        requires = "until",
        conflicts_with = "with_uploads",
        help_heading = "Uploads"
    )]
    pub(super) partition: Option<Partition>,
    /// Take over what shards have uploaded: their journals; `*` in a file's name stands for anything.
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Uploads")]
    pub(super) with_uploads: Vec<String>,
    /// Download every uploaded snapshot again and compare all of it with what was sent.
    #[arg(long, help_heading = "Uploads")]
    pub(super) verify_upload: bool,
    #[command(flatten)]
    pub(super) pace: Pace,
}

/// How far, and how an earlier run is gone on with.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Pace {
    /// Go no further than this.
    #[arg(long, value_enum, value_name = "PHASE")]
    pub(super) until: Option<Phase>,
    /// Begin at most so many operations.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_steps: Option<u32>,
    /// How long to wait for a command that a dead run has left at work, such as 90s or 10m.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(super) wait: Duration,
    /// Go on with another version of icp than the run before used.
    #[arg(long)]
    pub(super) accept_icp_change: bool,
    /// Write what happens, as it happens, as JSON Lines to this file, or with `-` to stdout.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) events: Option<Utf8PathBuf>,
}

impl How {
    /// What the command line cannot say by itself.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match (self.partition, self.pace.until) {
            (Some(_), Some(Phase::Uploaded)) | (None, _) => Ok(()),
            (Some(_), _) => Err(Failure::new(Exit::Usage, "only uploads can be shared out")
                .with_help("add `--until uploaded`; the rest is for one run, with `--with-uploads`")),
        }
    }

    /// The words of it that hold for the next run as well.
    pub(super) fn again(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        if let Some(journal) = &self.journal {
            words.extend(["--journal".to_owned(), journal.to_string()]);
        }
        if let Some(Partition { which, of }) = self.partition {
            words.extend(["--until", "uploaded", "--partition"].map(str::to_owned));
            words.push(format!("{which}/{of}"));
        }
        if self.verify_upload {
            words.push("--verify-upload".to_owned());
        }
        words
    }

    /// The journal of a share, beside that of the whole.
    pub(super) fn shard(&self, journal: Utf8PathBuf) -> Utf8PathBuf {
        let name = journal.file_name().and_then(|name| name.strip_suffix(".journal.jsonl"));
        match (self.partition, name) {
            (Some(share), Some(name)) => journal.with_file_name(format!("{name}.{}.journal.jsonl", share.label())),
            _ => journal,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = jiff::fmt::friendly::SpanParser::new()
        .parse_duration(text)
        .map_err(|_| "write a duration such as 90s or 10m".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "a duration is not negative".to_owned())
}
