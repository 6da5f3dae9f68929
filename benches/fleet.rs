//! What a fleet costs before, during and after its run: `cargo bench --bench fleet`.
//!
//! Growth over sizes is what `examples/fleet-bench.rs` shows; these are for comparing one version with another.

#[path = "fleet/mod.rs"]
mod fleet;

use std::{fs, num::NonZeroUsize, ops::ControlFlow};

use camino::Utf8PathBuf;
use divan::{Bencher, black_box};
use icp_restore::{
    artifact::seal,
    diagnostic::{
        Code, Diagnostic, Source,
        text::{self, Form, Style},
    },
    icp::{self, Icp},
    journal::{self},
    operation, plan,
};

const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000001";

const STYLE: Style = Style { form: Form::Unicode, color: true, width: 100 };

fn main() {
    divan::main();
}

/// A valid plan of 10,000 members.
#[divan::bench]
fn plan_of_10_000(bencher: Bencher<'_, '_>) {
    let source = Source::new("fleet.toml", fleet::plan(10_000, DIGEST));
    bencher.bench(|| plan::read(black_box(&source)).is_ok());
}

/// A plan of 10,000 members with so many mistakes, and their drawing.
#[divan::bench(args = [1, 50, 500])]
fn mistakes_of_10_000(bencher: Bencher<'_, '_>, mistakes: usize) {
    let mut text = fleet::plan(10_000, DIGEST);
    for number in 0..mistakes {
        text = text.replacen(&format!("name = \"m{}\"\n", 100 + number * 15), "nome = \"m\"\n", 1);
    }
    let source = Source::new("fleet.toml", text);
    bencher.bench(|| {
        let problems = plan::read(black_box(&source)).err().unwrap_or_default();
        assert!(problems.len() >= mistakes);
        text::render(&problems, &STYLE, mistakes)
    });
}

/// Fifty labels drawn at the end of a text of so many MiB.
#[divan::bench(args = [1, 8, 64])]
fn labels_at_the_end_of(bencher: Bencher<'_, '_>, mebibytes: usize) {
    let line = "source = \"rrkah-fqaaa-aaaaa-aaaaq-cai\"\n";
    let lines = (mebibytes << 20) / line.len();
    let source = Source::new("fleet.toml", line.repeat(lines));
    let label = |at: usize| source.label(at * line.len() + 9..at * line.len() + 38, "here");
    let problem = |at: usize| Diagnostic::new(Code::BadPrincipal, "not a principal", label(at));
    let problems: Vec<_> = (lines - 100..lines).step_by(2).map(problem).collect();
    bencher.bench(|| text::render(black_box(&problems), &STYLE, 50));
}

/// Operations of 10,000 members, and the digest of the plan.
#[divan::bench]
fn compile_10_000(bencher: Bencher<'_, '_>) {
    let Ok(reading) = fleet::read(fleet::plan(10_000, DIGEST)) else { return };
    bencher.bench(|| (operation::compile(black_box(&reading.plan)).len(), reading.plan.digest()));
}

/// A run of 100 members with a network that answers at once, the journal synced as always.
#[divan::bench(sample_count = 10)]
fn run_of_100(bencher: Bencher<'_, '_>) {
    bencher.bench(|| run(100));
}

/// The journal of a run of 1,000 members.
#[divan::bench(sample_count = 10)]
fn replay_of_1_000(bencher: Bencher<'_, '_>) {
    let Ok((folder, journal)) = run(1_000).map_err(|error| eprintln(&error.to_string())) else { return };
    bencher.bench(|| journal::load(black_box(&journal)).is_ok_and(|replay| replay.is_complete()));
    drop(folder);
}

/// 64 MiB in 16 files.
#[divan::bench(sample_count = 10)]
fn hashing(bencher: Bencher<'_, '_>) {
    let Ok(folder) = tempfile::tempdir() else { return };
    for number in 0..16 {
        let written = fs::write(folder.path().join(number.to_string()), vec![7; 4 << 20]);
        assert!(written.is_ok());
    }
    let Some(path) = camino::Utf8Path::from_path(folder.path()) else { return };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    bencher
        .counter(divan::counter::BytesCount::new(64_usize << 20))
        .bench(|| seal::all([path], threads, &|_| ControlFlow::Continue(())).len());
}

#[expect(clippy::print_stderr, reason = "a benchmark that cannot be made says why")]
fn eprintln(text: &str) {
    eprintln!("{text}");
}

/// Runs a fleet in a folder of its own.
fn run(members: usize) -> Result<(tempfile::TempDir, Utf8PathBuf), Box<dyn std::error::Error>> {
    let temporary = tempfile::tempdir()?;
    let folder = camino::Utf8Path::from_path(temporary.path()).ok_or("not UTF-8")?;
    let (path, seal) = fleet::artifact(folder)?;
    let reading = fleet::read(fleet::plan(members, &seal.plain.to_string()))?;
    let module = seal.module_hash().ok_or("no module")?.to_string();
    let network = Box::new(fleet::InProcess(fleet::NoOp::new(module)));
    let icp = Icp::new("icp", &reading.plan, &icp::Options::default(), network);
    let file = folder.join("fleet.journal.jsonl");
    fleet::restore(&reading, &icp, (path, seal), &file)?;
    Ok((temporary, file))
}
