//! Suites of published crates, their sources as they are. They lie where Cargo keeps those of any dependency.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    Suite,
    support::{Fixture, Run},
};

#[test]
fn semver() {
    check("semver", "std = []", &[]);
}

/// No standard library.
#[test]
fn smallvec() {
    check("smallvec", "", &[]);
}

/// Thirteen test binaries, many `#[should_panic]`, and two global allocators of their own.
#[test]
fn bytes() {
    check("bytes", "std = []", &[]);
}

/// Under `#![deny(warnings)]`. The test left out tries every character there is, for half a minute.
#[test]
fn httparse() {
    check("httparse", "std = []", &["--skip", "test_all_utf8_char_in_paths"]);
}

/// Edition 2015.
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

/// Lays out a package of its own: the crate's sources, and a manifest without what its tests do not need.
fn laid_out(name: &str, features: &str) -> PathBuf {
    let package = package(name);
    let text = |field: &str| package[field].as_str().expect("text");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("published").join(name);
    let manifest = format!(
        "[package]\nname = {name:?}\nversion = {:?}\nedition = {:?}\n[features]\n{features}\n\
         [lints.rust]\nunexpected_cfgs = \"allow\"\n[workspace]\n",
        text("version"),
        text("edition"),
    );
    write(&folder.join("Cargo.toml"), manifest.as_bytes());
    let from = Path::new(text("manifest_path")).with_file_name("");
    for part in ["src", "tests", "build.rs"] {
        copy(&from.join(part), &folder.join(part));
    }
    folder
}

/// Cargo's metadata about a dev-dependency of this package.
fn package(name: &str) -> Value {
    let rustc = Run::new("rustc").arg("-vV").finish().exits(0).stdout;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let metadata = Run::cargo()
        .args(["metadata", "--offline", "--format-version=1", "--filter-platform"])
        .arg(host.expect("rustc names its host"))
        .folder(env!("CARGO_MANIFEST_DIR"))
        .finish()
        .exits(0);
    let metadata: Value = serde_json::from_str(&metadata.stdout).expect("Cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let is_it = |package: &&Value| package["name"] == name;
    packages.iter().find(is_it).unwrap_or_else(|| panic!("{name} is a dev-dependency")).clone()
}

fn copy(from: &Path, to: &Path) {
    if let Ok(content) = fs::read(from) {
        write(to, &content);
    }
    for entry in fs::read_dir(from).into_iter().flatten() {
        let name = entry.expect("Cargo unpacked it").file_name();
        copy(&from.join(&name), &to.join(&name));
    }
}

/// Writes a file, unless it has this content: Cargo builds again what is newer.
fn write(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|found| found == content) {
        return;
    }
    fs::create_dir_all(path.with_file_name("")).expect("the target folder can be written");
    fs::write(path, content).expect("the target folder can be written");
}
