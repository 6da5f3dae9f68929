use std::os::unix::fs::symlink;

use camino::Utf8Path;
use icp_restore::artifact::{
    entry::Kind,
    find,
    find::{Problem, beside},
};

use super::{empty, write};

#[test]
fn finds_files_and_directories_below_the_root() {
    let root = empty();
    write(&root, "artifacts/root/metadata.json", "{}");
    for path in ["artifacts", "artifacts/root", "artifacts//root/", "artifacts/root/metadata.json"] {
        assert_eq!(find(&root, Utf8Path::new(path)).unwrap(), root.join(path));
    }
}

#[test]
fn a_path_that_could_leave_the_root_is_refused_whether_it_exists_or_not() {
    let root = empty();
    write(&root, "a/b", "");
    for path in ["", "/", "/etc", "..", "a/..", "a/../a/b", "../x", ".", "./a", "a/./../b"] {
        let found = find(&root.join("a"), Utf8Path::new(path));
        assert!(matches!(found, Err(Problem::Escape { .. })), "{path}: {found:?}");
    }
}

#[test]
fn a_missing_component_is_named_with_the_nearest_beside_it() {
    let root = empty();
    write(&root, "artifacts/ledger/metadata.json", "{}");
    for (path, at, like) in [
        ("artifact/ledger", "artifact", Some("artifacts")),
        ("artifacts/leger", "artifacts/leger", Some("ledger")),
        ("artifacts/governance", "artifacts/governance", None),
        ("artifacts/ledger/metadata.json/x", "artifacts/ledger/metadata.json/x", None),
    ] {
        match find(&root, Utf8Path::new(path)) {
            Err(Problem::Missing { path }) => {
                assert_eq!((beside(&path).as_deref(), path), (like, root.join(at)));
            }
            other => panic!("{path}: {other:?}"),
        }
    }
    let gone = find(&root.join("gone"), Utf8Path::new("a"));
    assert!(matches!(gone, Err(Problem::Missing { path }) if path == root.join("gone")));
}

#[test]
fn links_and_special_files_are_refused_at_every_component() {
    let root = empty();
    write(&root, "real/artifact/metadata.json", "{}");
    symlink("real", root.join("inside")).unwrap();
    symlink("/etc", root.join("outside")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    nix::unistd::mkfifo(root.join("pipe").as_std_path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (path, at, what) in [
        ("inside/artifact", "inside", Kind::Link),
        ("outside/passwd", "outside", Kind::Link),
        ("dangling", "dangling", Kind::Link),
        ("pipe", "pipe", Kind::Pipe),
    ] {
        match find(&root, Utf8Path::new(path)) {
            Err(Problem::Kind { path, kind }) => assert_eq!((path, kind), (root.join(at), what)),
            other => panic!("{path}: {other:?}"),
        }
    }
    // The root itself may be reached through a link.
    assert!(find(&root.join("inside"), Utf8Path::new("artifact")).is_ok());
}
