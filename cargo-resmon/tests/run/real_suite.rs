//! A published crate under nextest, its sources and tests as they are.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    Suite, one_session,
    support::{Fixture, Run},
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

/// A package of its own: the crate's sources, and a manifest without what its tests do not need.
fn laid_out() -> PathBuf {
    let package = package("regex-syntax");
    let text = |field: &str| package[field].as_str().expect("text");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_suites/regex-syntax");
    let features = package["features"].as_object().expect("features").iter();
    let features = features.filter(|(name, _)| *name != "arbitrary");
    let features: Vec<_> = features.map(|(name, on)| format!("{name} = {on}\n")).collect();
    let features = features.concat();
    let manifest = format!(
        "[package]\nname = \"regex-syntax\"\nversion = {:?}\nedition = {:?}\n\
         [features]\n{features}[lints.rust]\nunexpected_cfgs = \"allow\"\n[workspace]\n",
        text("version"),
        text("edition"),
    );
    write(&folder.join("Cargo.toml"), manifest.as_bytes());
    copy(&Path::new(text("manifest_path")).with_file_name("src"), &folder.join("src"));
    folder
}

fn package(name: &str) -> Value {
    let metadata = Run::cargo()
        .args(["metadata", "--offline", "--format-version=1", "--filter-platform"])
        .arg(crate::host())
        .folder(env!("CARGO_MANIFEST_DIR"))
        .finish()
        .exits(0);
    let metadata: Value = serde_json::from_str(&metadata.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages.iter().find(|package| package["name"] == name).expect("a dev-dependency").clone()
}

fn copy(from: &Path, to: &Path) {
    if let Ok(content) = fs::read(from) {
        write(to, &content);
    }
    for entry in fs::read_dir(from).into_iter().flatten() {
        let name = entry.expect("cargo unpacked it").file_name();
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
