//! Sealing against the command-line hashers of this machine, on as many cores, in one run:
//! `cargo bench --bench hash`.
//!
//! Two gibibytes in forty files and a huge one, read from memory: what is compared is hashing, not disks. The hashers
//! get the files as we take them, the largest first, one process a file, as many at once as we have threads.

#![expect(clippy::print_stdout, reason = "a table is what a benchmark is for")]

use std::{
    error::Error,
    fs,
    io::Write as _,
    num::NonZeroUsize,
    ops::ControlFlow,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::artifact::seal;

/// Files and their sizes in MiB.
const SHAPES: [(&str, &[(usize, usize)]); 3] = [
    ("40 files of 51 MiB", &[(40, 51)]),
    ("40 of 25 MiB and one of 1 GiB", &[(40, 25), (1, 1024)]),
    ("20,000 files of 8 KiB", &[]),
];

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --all-targets` starts benchmarks too.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let threads = thread::available_parallelism()?;
    println!("best of {ROUNDS} rounds, {threads} at once, MiB/s");
    for (name, shape) in SHAPES {
        let directory = tempfile::tempdir()?;
        let root = Utf8Path::from_path(directory.path()).ok_or("temporary directory is not UTF-8")?;
        let (files, bytes) = make(root, shape)?;
        let batch = if shape.is_empty() { "100" } else { "1" };
        let mut best = [Duration::MAX; 4];
        for _ in 0..ROUNDS {
            best[0] = best[0].min(ours(root, threads)?);
            best[1] = best[1].min(ours(root, NonZeroUsize::MIN)?);
            best[2] = best[2].min(theirs(&files, threads, batch, &["sha256sum"])?);
            best[3] = best[3].min(theirs(&files, threads, batch, &["openssl", "dgst", "-sha256"])?);
        }
        println!("\n{name}");
        let speed = |time: Duration| bytes as f64 / f64::from(1 << 20) / time.as_secs_f64();
        for (who, time) in ["ours", "ours, one thread", "sha256sum", "openssl"].iter().zip(best) {
            let ratio = time.as_secs_f64() / best[0].as_secs_f64();
            println!("  {who:18} {:8.0}   {ratio:.2} times our time", speed(time));
        }
    }
    Ok(())
}

/// Makes files of bytes that repeat, and lists them with the largest first.
fn make(root: &Utf8Path, shape: &[(usize, usize)]) -> Result<(Vec<Utf8PathBuf>, usize), Box<dyn Error>> {
    let mebibyte: Vec<u8> = (0..1 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut files = Vec::new();
    let mut bytes = 0;
    for &(count, size) in shape.iter().rev() {
        for _ in 0..count {
            let path = root.join(format!("{}.bin", files.len()));
            let mut file = fs::File::create(&path)?;
            for _ in 0..size {
                file.write_all(&mebibyte)?;
            }
            bytes += size << 20;
            files.push(path);
        }
    }
    if shape.is_empty() {
        for number in 0..20_000 {
            let path = root.join(format!("{number}.bin"));
            fs::write(&path, &mebibyte[..8 << 10])?;
            bytes += 8 << 10;
            files.push(path);
        }
    }
    Ok((files, bytes))
}

fn ours(root: &Utf8Path, threads: NonZeroUsize) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    let seals = seal::all([root], threads, &|_| ControlFlow::Continue(()));
    let time = start.elapsed();
    match seals.into_values().next() {
        Some(Ok(_)) => Ok(time),
        other => Err(format!("{other:?}").into()),
    }
}

fn theirs(
    files: &[Utf8PathBuf],
    threads: NonZeroUsize,
    batch: &str,
    command: &[&str],
) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    let mut child = Command::new("xargs")
        .args(["-0", "-n", batch, "-P", &threads.to_string()])
        .args(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let paths: Vec<&str> = files.iter().map(|path| path.as_str()).collect();
    child.stdin.take().ok_or("no pipe")?.write_all(paths.join("\0").as_bytes())?;
    match child.wait()?.success() {
        true => Ok(start.elapsed()),
        false => Err(format!("{command:?} failed").into()),
    }
}
