//! `report`: what a journal tells.

use camino::Utf8PathBuf;
use clap::ValueEnum;

use super::{Exit, Failure, canic, input, terminal::Terminal};
use crate::report::{self, About};

/// Tell what a journal holds: who did what when, downtime, proofs.
///
/// It says as well what is left on the network, what is not proved, and what does not travel with a snapshot.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore report fleet.journal.jsonl
  icp-restore report fleet.journal.jsonl --format html -o report.html
  icp-restore report fleet.journal.jsonl --format junit -o junit.xml")]
pub(super) struct Args {
    /// The journal; one of canic will do as well.
    journal: Utf8PathBuf,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: Format,
    /// Write it to this file and not to stdout.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    output: Option<Utf8PathBuf>,
    /// The most bytes of a report in markdown.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = super::dry_run::most_bytes, help_heading = "Output")]
    max_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One object.
    Json,
    /// For CI servers: a suite a phase, a case an operation.
    Junit,
    /// For the summary of a CI step.
    Markdown,
    /// One page with a timeline; it needs no network.
    Html,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    input::journal(&args.journal)?;
    let text = match canic::status(&args.journal)? {
        Some(report) => of_canic(&report, args)?,
        None => of_ours(args)?,
    };
    match &args.output {
        None => terminal.print(&text),
        Some(file) => {
            input::spare(file, &[&args.journal])?;
            std::fs::write(file, text)
                .map_err(|error| Failure::new(Exit::Internal, format!("cannot write {file}: {error}")))
                .map_err(|failure| failure.with_help("name another file with `--output`"))?;
            terminal.note(&format!("written to {file}"));
        }
    }
    Ok(Exit::Done)
}

fn of_ours(args: &Args) -> Result<String, Failure> {
    let report = report::read(&args.journal)?;
    let about = About { journal: &args.journal };
    let internal = |error: String| Failure::new(Exit::Internal, error);
    Ok(match args.format {
        Format::Text => report::text::render(&report, about),
        Format::Json => report::json::render(&report).map_err(|error| internal(error.to_string()))?,
        Format::Junit => report::junit::render(&report).map_err(|error| internal(error.to_string()))?,
        Format::Markdown => report::markdown::render(&report, about, args.max_bytes),
        Format::Html => report::html::render(&report, about),
    })
}

/// A journal of canic says how its operations stand, and nothing of when and how: no timeline can be made of it.
fn of_canic(report: &canic::Report, args: &Args) -> Result<String, Failure> {
    match args.format {
        Format::Text => Ok(report.text()),
        Format::Json => report.json().map_err(|error| Failure::new(Exit::Internal, error.to_string())),
        Format::Markdown => Ok(report.markdown()),
        Format::Junit | Format::Html => {
            let message = format!("{} is a journal of canic, of which there is no report in this format", args.journal);
            Err(Failure::new(Exit::Usage, message)
                .with_help("take text, json or markdown; see also `icp-restore status`"))
        }
    }
}
