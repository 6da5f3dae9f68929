use std::{
    ffi::OsStr,
    fs,
    ops::ControlFlow,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    sync::atomic::{AtomicU64, Ordering},
};

use camino::Utf8Path;
use icp_restore::{
    artifact::{self, ICP_FILES, seal::Problem},
    id::Digest,
};
use proptest::prelude::*;

use super::{Files, THREADS, directory, empty, seal, silent, snapshot, told, try_seal, write};

/// Files whose order is another by bytes of the whole path than by component, and names of icp's files where they count.
fn odd() -> Files {
    [
        "a/b",
        "a-b",
        "a.b",
        "a/b-c",
        "ab",
        "B",
        "é",
        "!first",
        "nested/.lock",
        "nested/.upload_progress.json",
        "new\nline",
    ]
    .into_iter()
    .zip(1..)
    .map(|(path, number): (_, u32)| (path.to_owned(), number.to_string().into_bytes()))
    .collect()
}

fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}

// Each digest was computed by canic-backup 0.36.14, and by a few lines of Python with hashlib.
#[test]
fn seals_are_those_of_canic_backup_with_and_without_the_lock() {
    let chunk = format!("wasm_chunk_store/{}.bin", Digest::of("chunk"));
    let mut plain = snapshot();
    plain.insert("metadata.json".into(), b"{}\n".to_vec());
    assert!(plain.contains_key(&chunk));
    let cases = [
        (
            plain,
            "19a3f5e1825e474cab55212683555485a37a69498c4039db81856f39dbdf5889",
            "f812cdb2e92c3af0ae3ae336e7e2bfef674b310842b439188bf5729ff3d8d7a6",
        ),
        (
            odd(),
            "f1104b100c1db4dfd163c27f65dab8007c915f3a5c50f8ee896fbf3a98c6dd51",
            "37c5f42fde7c087429fab2567f270eb35ca552403238701e387f7045b2649624",
        ),
    ];
    for (files, plain, with_lock) in cases {
        let root = directory(&files);
        for lock in [None, Some(""), Some("not empty")] {
            lock.into_iter().for_each(|content| write(&root, ".lock", content));
            let seal = seal(&root);
            assert_eq!((seal.plain, seal.with_lock), (digest(plain), digest(with_lock)));
            assert!(seal.accepts(&digest(plain)) && seal.accepts(&digest(with_lock)));
            assert!(!seal.accepts(&Digest::of("another")));
        }
    }
}

#[test]
fn a_single_file_and_an_empty_directory_have_seals_too() {
    let root = empty();
    assert_eq!(seal(&root).plain, Digest::of(""));
    write(&root, "module.wasm", "one file");
    let file = seal(&root.join("module.wasm"));
    assert_eq!((file.plain, file.with_lock), (Digest::of("one file"), Digest::of("one file")));
    assert!(!file.directory);
}

#[test]
fn a_seal_knows_its_blobs() {
    let root = directory(&snapshot());
    let sealed = seal(&root);
    assert_eq!(sealed.module_hash(), Some(Digest::of(b"\0asm")));
    assert_eq!(sealed.largest_blob(), 1024);
    assert_eq!(sealed.total_bytes(), snapshot().values().map(|bytes| bytes.len() as u64).sum::<u64>());
    assert_eq!(sealed.chunks().map(|file| file.digest).collect::<Vec<_>>(), [Digest::of("chunk")]);
    assert!(sealed.directory && !sealed.unfinished);
    write(&root, "wasm_module.bin", "");
    assert_eq!(seal(&root).module_hash(), None);
    write(&root, ".download_progress.json", "{}");
    assert!(seal(&root).unfinished);
}

#[test]
fn all_that_cannot_be_sealed_is_told_at_once() {
    let root = directory(&snapshot());
    symlink("wasm_module.bin", root.join("link")).unwrap();
    symlink("/etc", root.join("wasm_chunk_store/out")).unwrap();
    fs::create_dir(root.join("deep")).unwrap();
    nix::unistd::mkfifo(root.join("deep/pipe").as_std_path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    fs::write(root.as_std_path().join(OsStr::from_bytes(b"n\xffme")), "").unwrap();
    // The names of icp's files excuse nothing but files.
    symlink("wasm_module.bin", root.join(".lock")).unwrap();
    let problems = told(try_seal(&root).unwrap_err(), &root);
    assert_eq!(
        problems,
        [
            ".lock is a symbolic link",
            "deep/pipe is a named pipe",
            "link is a symbolic link",
            "socket is a socket",
            "wasm_chunk_store/out is a symbolic link",
            &format!("the name n\\xffme in {} is not UTF-8", &*root),
        ]
    );
    drop(socket);
}

#[test]
fn an_artifact_that_is_a_link_or_missing_is_no_artifact() {
    let root = directory(&snapshot());
    let other = empty();
    symlink(&*root, other.join("artifact")).unwrap();
    let problems = try_seal(&other.join("artifact")).unwrap_err();
    assert_eq!(told(problems, &other), ["artifact is a symbolic link"]);
    let problems = try_seal(&other.join("gone")).unwrap_err();
    assert!(matches!(&problems[..], [Problem::Io { path, .. }] if *path == other.join("gone")));
}

#[test]
fn many_artifacts_are_sealed_as_each_alone_and_every_byte_is_reported() {
    let roots: Vec<_> = [snapshot(), odd(), snapshot(), Files::new()].iter().map(directory).collect();
    let bytes = AtomicU64::new(0);
    let total = AtomicU64::new(0);
    let paths: Vec<&Utf8Path> = roots.iter().map(|root| &**root).collect();
    let gone = roots[0].join("gone");
    let named = paths.iter().copied().chain([gone.as_path(), paths[0]]);
    let seals = artifact::seal::all(named, THREADS, &|step| {
        bytes.fetch_add(step.bytes, Ordering::Relaxed);
        total.store(step.total, Ordering::Relaxed);
        ControlFlow::Continue(())
    });
    assert_eq!(seals.len(), 5);
    assert!(seals[gone.as_path()].is_err());
    let mut sum = 0;
    for path in paths {
        assert_eq!(seals[path].as_ref().unwrap(), &seal(path));
        sum += seal(path).total_bytes();
    }
    assert_eq!((bytes.into_inner(), total.into_inner()), (sum, sum));
}

#[test]
fn a_file_larger_than_a_read_is_hashed_whole() {
    let root = empty();
    let content: Vec<u8> = (0..=255).cycle().take((3 << 20) + 7).collect();
    write(&root, "big", &content);
    let sealed = seal(&root);
    assert_eq!((sealed.files[0].digest, sealed.files[0].size), (Digest::of(&content), content.len() as u64));
}

#[test]
fn a_watch_that_breaks_stops_the_rest() {
    let root = directory(&snapshot());
    let seals = artifact::seal::all([&*root], THREADS, &|_| ControlFlow::Break(()));
    let problems = seals[&*root].as_ref().unwrap_err();
    assert!(problems.iter().all(|problem| matches!(problem, Problem::Stopped { .. })), "{problems:?}");
}

#[test]
fn a_file_that_grows_while_it_is_read_is_told() {
    let root = empty();
    write(&root, "wasm_memory.bin", vec![0; 2 << 20]);
    let path = root.join("wasm_memory.bin");
    let seals = artifact::seal::all([&*root], THREADS, &|_| {
        fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, b"x"))
            .unwrap();
        ControlFlow::Continue(())
    });
    assert!(
        matches!(&seals[&*root].as_ref().unwrap_err()[..], [Problem::Changed { path: changed }] if *changed == path)
    );
}

/// A change to what an artifact holds.
#[derive(Debug, Clone)]
enum Change {
    Flip(prop::sample::Index, u8),
    Add(String),
    Remove,
    Rename(String),
    Append(u8),
}

fn paths() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-c.~ é-]{1,3}", 1..3)
        .prop_map(|names| names.join("/"))
        .prop_filter("plain names", |path| path.split('/').all(|name| !name.chars().all(|c| c == '.')))
}

/// Files that can lie beside each other: none where another needs a directory.
fn trees() -> impl Strategy<Value = Files> {
    prop::collection::btree_map(paths(), prop::collection::vec(any::<u8>(), 0..20), 1..8).prop_map(|files| {
        let kept = |path: &String| !files.keys().any(|other| other.starts_with(&format!("{path}/")));
        files.iter().filter(|(path, _)| kept(path)).map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
    })
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<prop::sample::Index>(), 1..=255u8).prop_map(|(at, mask)| Change::Flip(at, mask)),
        "[x-z]{1,4}".prop_map(Change::Add),
        Just(Change::Remove),
        "[x-z]{1,4}".prop_map(Change::Rename),
        any::<u8>().prop_map(Change::Append),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn order_of_creation_and_files_of_icp_do_not_matter(
        files in trees(),
        shuffle in any::<u64>(),
        icp in prop::collection::btree_map(prop::sample::select(&ICP_FILES[..]), "[a-z]{0,3}", 0..4),
    ) {
        let mut shuffled: Vec<_> = files.iter().collect();
        fastrand::Rng::with_seed(shuffle).shuffle(&mut shuffled);
        let (one, other) = (directory(&files), directory(shuffled));
        icp.iter().for_each(|(name, content)| write(&other, name, content));
        let (one, other) = (seal(&one), seal(&other));
        prop_assert_eq!((one.plain, one.with_lock, one.files), (other.plain, other.with_lock, other.files));
    }

    #[test]
    fn every_change_is_found(files in trees(), at in any::<prop::sample::Index>(), change in changes()) {
        let root = directory(&files);
        let before = seal(&root);
        let (path, content) = files.iter().nth(at.index(files.len())).unwrap();
        match change {
            Change::Flip(byte, mask) if !content.is_empty() => {
                let mut content = content.clone();
                let at = byte.index(content.len());
                content[at] ^= mask;
                write(&root, path, content);
            }
            Change::Flip(_, byte) | Change::Append(byte) => write(&root, path, [&content[..], &[byte]].concat()),
            Change::Add(name) => write(&root, &name, ""),
            Change::Remove => fs::remove_file(root.join(path)).unwrap(),
            Change::Rename(name) => fs::rename(root.join(path), root.join(name)).unwrap(),
        }
        let after = seal(&root);
        prop_assert!(!after.accepts(&before.plain) && !after.accepts(&before.with_lock));
    }
}

#[test]
fn nothing_to_seal_is_nothing_sealed() {
    assert!(artifact::seal::all([], THREADS, &silent).is_empty());
}
