//! Suites of published crates with unchanged sources, which Cargo has downloaded as dev-dependencies.

use std::path::{Path, PathBuf};

use crate::{
    Suite,
    support::{Fixture, published},
};

#[test]
fn semver() {
    check("semver", "std = []", &[]);
}

/// Runs a crate without the standard library.
#[test]
fn smallvec() {
    check("smallvec", "", &[]);
}

/// Runs a crate with thirteen test binaries, many `#[should_panic]`, and two global allocators.
#[test]
fn bytes() {
    check("bytes", "std = []", &[]);
}

/// Runs a crate with `#![deny(warnings)]`. The skipped test tries all characters, which takes half a minute.
#[test]
fn httparse() {
    check("httparse", "std = []", &["--skip", "test_all_utf8_char_in_paths"]);
}

/// Runs a crate of edition 2015.
#[test]
fn strsim() {
    check("strsim", "", &[]);
}

#[test]
fn regex_syntax() {
    let unicode = ["age", "bool", "case", "gencat", "perl", "script", "segment"];
    let unicode = unicode.map(|part| format!("unicode-{part} = []\n")).concat();
    check("regex-syntax", &format!("std = []\n{unicode}"), &[]);
}

fn check(name: &str, features: &str, options: &[&str]) {
    let suite = Suite::of(Fixture::at(&laid_out(name, features)));
    let arguments = [&["--lib", "--tests", "--all-features", "--"], options].concat();
    let plain = suite.plain(&arguments).finish();
    let run = suite.test(&arguments).finish();
    assert_eq!(run.code, plain.code, "{}\n{}", run.stdout, run.stderr);
    assert_eq!(run.counts(), plain.counts());
    let lines = |text: &str| -> Vec<String> {
        let mut lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("test ") && line.contains(" ... "))
            .map(str::to_owned)
            .collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(lines(&run.stdout), lines(&plain.stdout));
    assert_eq!(crate::notes(&run), [""; 0]);
    let records = suite.records();
    let ran = run.counts().passed + run.counts().failed;
    assert!(ran > 20, "only {ran} tests of {name} were found");
    assert_eq!(records.tests().len(), ran);
    let failed = records.tests().iter().filter(|test| test.outcome() != "passed").count();
    assert_eq!(failed, run.counts().failed);
    for test in records.tests() {
        let (source, _) = test.id().split_once("::").expect("FILE::NAME");
        assert!(suite.fixture.folder().join(source).is_file(), "no file {source}");
    }
}

/// Lays out a package with the crate's sources and a minimal manifest. Returns its folder.
fn laid_out(name: &str, features: &str) -> PathBuf {
    let package = published::package(name);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("published").join(name);
    let manifest = format!(
        "[package]\nname = {name:?}\nversion = {:?}\nedition = {:?}\n[features]\n{features}\n\
         [lints.rust]\nunexpected_cfgs = \"allow\"\n[workspace]\n",
        published::text(package, "version"),
        published::text(package, "edition"),
    );
    published::lay_out(package, folder, &manifest, |_, _| ())
}
