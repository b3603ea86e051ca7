//! Directories that resmon uses as its spool, and directories that it refuses.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::tempdir;

use crate::{
    Endpoint, Place, summary,
    support::{Run, Server},
    whole,
};

/// Requires that a session warns about this directory, does not use it, and delivers all records.
#[track_caller]
fn assert_refused(place: &Place, directory: &Path) {
    let endpoint = Endpoint::up();
    let run = || place.to(&endpoint.url(), "suite::early::").env("RESMON_SPOOL_DIR", directory);
    let run = run().finish().exits(0);
    let warnings = run.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    // The warning names the directory without a trailing slash or dot.
    let directory: PathBuf = directory.components().collect();
    let named = format!("RESMON_SPOOL_DIR \"{}", directory.display());
    assert!(warnings[0].starts_with(&named), "{warnings:?}");
    assert!(warnings[0].contains("cannot be used: "), "{warnings:?}");
    assert!(warnings[0].contains("; using \"/"), "{warnings:?}");
    assert_eq!(summary(&endpoint.taken()), whole());
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).expect("it is a directory").next().is_none()
}

/// Creates a directory with these permissions.
fn made(place: &Place, mode: u32) -> PathBuf {
    let directory = place.folder().join("made");
    fs::create_dir(&directory).expect("the folder is ours");
    fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).expect("it is ours");
    directory
}

#[test]
fn not_through_a_symlink() {
    for slash in ["", "/", "/."] {
        let place = Place::new();
        let target = made(&place, 0o700);
        let link = place.folder().join("link");
        symlink(&target, &link).expect("the folder is ours");
        let mut link = link.into_os_string();
        link.push(slash);
        assert_refused(&place, Path::new(&link));
        assert!(is_empty(&target), "{slash:?}");
    }
}

#[test]
fn not_in_place_of_a_file() {
    let place = Place::new();
    fs::write(place.spool(), "a file").expect("the folder is ours");
    assert_refused(&place, &place.spool());
    assert_refused(&place, &place.spool().join("in it"));
    assert_eq!(fs::read_to_string(place.spool()).expect("it is still there"), "a file");
}

#[test]
fn not_where_others_may_write() {
    for mode in [0o770, 0o707, 0o777, 0o1777, 0o720] {
        let place = Place::new();
        let directory = made(&place, mode);
        assert_refused(&place, &directory);
        assert!(is_empty(&directory), "{mode:o}");
    }
}

#[test]
fn not_in_a_directory_of_another_user() {
    let place = Place::new();
    let directory = made(&place, 0o700);
    // Only root may give a directory to another user. Without root, the test uses a directory of root's.
    let directory = match chown(&directory, Some(65_534), None) {
        Ok(()) => directory,
        Err(_) => PathBuf::from("/usr"),
    };
    let before = fs::read_dir(&directory).expect("it is a directory").count();
    assert_refused(&place, &directory);
    assert_eq!(fs::read_dir(&directory).expect("it is a directory").count(), before);
}

#[test]
fn missing_folders_are_made() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let directory = place.folder().join("a/b c/é");
    let run = place.to(&endpoint.url(), "suite::early::").env("RESMON_SPOOL_DIR", &directory);
    run.finish().exits(0);
    assert_eq!(fs::read_dir(&directory).expect("it was made").count(), 1);
}

#[test]
fn a_relative_one_begins_where_the_user_stood() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let run = place.to(&endpoint.url(), "suite::early::").env("RESMON_SPOOL_DIR", "relative");
    run.folder(place.folder()).finish().exits(0);
    assert!(!is_empty(&place.folder().join("relative")));
}

/// Copies this test binary by another process: a program that is open for writing cannot be started.
fn copy(to: &Path) {
    fs::create_dir_all(to.parent().expect("it has one")).expect("the folder is ours");
    let own = std::env::current_exe().expect("a test binary knows where it is");
    let copied = Command::new("cp").arg(own).arg(to).status().expect("there is `cp`");
    assert!(copied.success());
}

/// Runs a copy of this binary without `RESMON_SPOOL_DIR`.
fn run_copy(copy: &Path, server: &Server, temporary: &Path) {
    Run::new(copy)
        .arg("suite::early::")
        .env("CARGO_PKG_NAME", "resmon")
        .env_remove("RESMON_SPOOL_DIR")
        .env("TMPDIR", temporary)
        .env("TINYBIRD_WRITE_TOKEN", crate::TOKEN)
        .env("TINYBIRD_API_URL", server.url())
        .finish()
        .exits(0);
}

#[test]
fn by_default_in_cargos_target_directory_or_the_temporary_one() {
    let folder = tempdir().expect("a folder of our own");
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).expect("the folder is ours");
    let endpoint = Endpoint::down();

    let target = folder.path().join("workspace/target");
    let built = target.join("debug/deps/tests");
    copy(&built);
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by cargo.\n";
    fs::write(target.join("CACHEDIR.TAG"), tag).expect("the folder is ours");
    run_copy(&built, &endpoint.server, &temporary);
    let kept = fs::read_dir(target.join("resmon")).expect("it was made").count();
    assert_eq!(kept, 1);
    assert!(is_empty(&temporary));

    fs::remove_file(target.join("CACHEDIR.TAG")).expect("the folder is ours");
    run_copy(&built, &endpoint.server, &temporary);
    // SAFETY: the call only reads an attribute of the process.
    let user = unsafe { libc::geteuid() };
    let kept = fs::read_dir(temporary.join(format!("resmon-{user}"))).expect("it was made").count();
    assert_eq!(kept, 1);
}
