//! A published crate under nextest, with unchanged sources and tests.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    Suite, one_session,
    support::{Fixture, Run, published},
};

#[test]
fn each_test_of_regex_syntax_has_one_record() {
    let suite = Suite::of(Fixture::at(&laid_out()));
    let Some(run) = suite.nextest(&[]) else { return };
    let finished = run.finish().exits(0);
    let records = suite.records();
    let tests = one_session(&records, 0);
    let listed = Run::cargo()
        .args(["nextest", "list", "--offline", "--message-format=oneline"])
        .folder(suite.fixture.folder())
        .env("CARGO_TARGET_DIR", Fixture::target())
        .finish()
        .exits(0);
    let names: BTreeSet<_> = listed
        .stdout
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(_, name)| name)
        .collect();
    assert!(names.len() > 100, "{}", listed.stdout);
    assert_eq!(tests.len(), names.len());
    let prefix = "src/lib.rs::";
    assert!(tests.iter().all(|(id, outcome)| {
        *outcome == "passed" && id.strip_prefix(prefix).is_some_and(|name| names.contains(name))
    }));
    assert!(finished.stderr.contains(&format!("{} tests run", names.len())), "{}", finished.stderr);
}

/// Lays out a package with the crate's sources and a minimal manifest. Returns its folder.
fn laid_out() -> PathBuf {
    let package = published::package("regex-syntax");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_suites/regex-syntax");
    let features = package["features"].as_object().expect("features").iter();
    let features = features.filter(|(name, _)| *name != "arbitrary");
    let features: Vec<_> = features.map(|(name, on)| format!("{name} = {on}\n")).collect();
    let features = features.concat();
    let manifest = format!(
        "[package]\nname = \"regex-syntax\"\nversion = {:?}\nedition = {:?}\n\
         [features]\n{features}[lints.rust]\nunexpected_cfgs = \"allow\"\n[workspace]\n",
        published::text(package, "version"),
        published::text(package, "edition"),
    );
    published::lay_out(package, folder, &manifest, |_, _| ())
}
