//! Dependencies that resmon adds to a user's dependency tree.

use std::collections::BTreeSet;

use crate::support::{Fixture, Run};

/// Returns the names of the packages that a package of this workspace's lock file needs at run time, itself included.
fn needs(package: &str) -> BTreeSet<String> {
    let tree = Run::cargo()
        .args(["tree", "--offline", "--edges=normal", "--prefix=none", "--format={p}"])
        .args(["--package", package])
        .folder(env!("CARGO_MANIFEST_DIR"))
        .finish()
        .exits(0);
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    tree.stdout.lines().filter(|line| !line.is_empty()).map(name).collect()
}

#[test]
fn a_test_binary_gets_libc_and_ctor_and_nothing_else() {
    let all = needs("resmon");
    // A procedural macro runs in the compiler and is part of no program.
    let allowed: BTreeSet<String> =
        ["libc", "ctor", "resmon-macros"].into_iter().flat_map(needs).collect();
    let others = all.difference(&allowed).filter(|name| !name.starts_with("resmon"));
    let others: Vec<&String> = others.collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(["libc", "ctor", "resmon-runtime"].iter().all(|name| all.contains(*name)), "{all:?}");
}

#[test]
fn crates_that_change_what_a_program_compiles_to_are_not_among_them() {
    let all = needs("resmon");
    for name in
        ["serde", "serde_core", "serde_json", "log", "http", "bytes", "ureq", "rustls", "ring"]
    {
        assert!(!all.contains(name), "{name}");
    }
}

#[test]
fn a_user_of_rustls_keeps_its_one_provider() {
    let fixture = Fixture::new("rustls-user");
    let run = fixture.cargo(&["test", "--lib"]).finish().exits(0);
    assert_eq!(run.counts().passed, 2, "{}", run.stdout);
}
