//! Suites of published crates, recorded by the crate-wide switch: one line at the end of each crate root, and no other
//! change. resmon has its default features, so all of its dependencies are in the tree. The crates are
//! dev-dependencies, so that Cargo has downloaded their sources.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use support::{
    Finished, Records, Run,
    published::{self, names_in, package, text, write},
};

const SWITCH: &str = "\n#[cfg(test)] #[macro_use(test)] extern crate resmon;\n";

#[test]
fn semver() {
    check("semver", &[]);
}

#[test]
fn smallvec() {
    check("smallvec", &[]);
}

/// Runs a crate whose type inference depends on the implementations of `PartialEq` in the dependency tree.
#[test]
fn arrayvec() {
    check("arrayvec", &[]);
}

#[test]
fn heck() {
    check("heck", &[]);
}

#[test]
fn slab() {
    check("slab", &[]);
}

#[test]
fn strsim() {
    check("strsim", &[]);
}

/// Runs a crate with thirteen test programs, many `#[should_panic]`, and two global allocators.
#[test]
fn bytes() {
    check("bytes", &[]);
}

/// Runs a crate with `#![deny(warnings)]`. The skipped test tries all characters, which takes half a minute.
#[test]
fn httparse() {
    check("httparse", &["--skip", "test_all_utf8_char_in_paths"]);
}

fn check(name: &str, options: &[&str]) {
    let bare = Suite::build(name, false);
    let switched = Suite::build(name, true);
    assert_eq!(switched.warnings, bare.warnings, "warnings of the compiler");
    assert!(switched.programs.keys().eq(bare.programs.keys()));
    let mut tests = 0;
    for (program, executable) in &switched.programs {
        let bare = Run::new(&bare.programs[program]).args(options).folder(&bare.folder).finish();
        let run = Run::new(executable).args(options).folder(&switched.folder);
        let file = executable.with_extension("ndjson");
        // A previous run leaves this file.
        let _ = fs::remove_file(&file);
        let ran = run.env("RESMON_FILE", &file).finish();
        let records = Records::of_file(&file);
        let names = check_program(&switched.folder, &ran, &bare, &records);
        check_names(&switched.folder, executable, &names);
        tests += names.len();
    }
    assert!(tests > 20, "only {tests} tests of {name} were found");
}

/// Compares a recorded run of a test program with one without resmon. Returns the names of the tests that ran.
fn check_program<'a>(
    folder: &Path,
    ran: &Finished,
    bare: &Finished,
    records: &'a Records,
) -> BTreeSet<&'a str> {
    assert_eq!(ran.code, bare.code, "{}", ran.stdout);
    assert_eq!(ran.counts(), bare.counts());
    assert_eq!(verdicts(&ran.stdout), verdicts(&bare.stdout));
    assert_eq!(ran.warnings(), [""; 0]);

    let mut verdicts = verdicts(&ran.stdout);
    verdicts.retain(|_, verdict| *verdict != "ignored");
    if verdicts.is_empty() {
        assert!(records.is_empty());
        return BTreeSet::new();
    }
    let recorded: BTreeMap<&str, &str> = records
        .tests()
        .into_iter()
        .map(|record| (record.name(), verdict_of(record.outcome())))
        .collect();
    assert_eq!(recorded, verdicts);
    assert_eq!(records.tests().len(), verdicts.len(), "a test is recorded twice");
    for record in records.tests() {
        let (source, _) = record.id().split_once("::").expect("FILE::NAME");
        assert!(folder.join(source).is_file(), "no file {source}");
    }
    assert_eq!(records.start().event(), "session_start");
    assert_eq!(records.end().int("exit_status"), i64::from(ran.code.expect("no signal")));
    recorded.into_keys().collect()
}

/// Requires that each name selects exactly one test: all names together select as many tests as there are names.
fn check_names(folder: &Path, executable: &Path, names: &BTreeSet<&str>) {
    if names.is_empty() {
        // An empty list would select everything.
        return;
    }
    let selected = Run::new(executable).folder(folder).arg("--exact").args(names).finish();
    let counts = selected.counts();
    assert_eq!(counts.passed + counts.failed, names.len());
    assert!(verdicts(&selected.stdout).keys().eq(names));
}

/// Returns libtest's verdict on each test: `ok`, `FAILED` or `ignored`.
fn verdicts(stdout: &str) -> BTreeMap<&str, &str> {
    stdout
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.rsplit_once(" ... "))
        .map(|(name, verdict)| {
            let name = name.strip_suffix(" - should panic").unwrap_or(name);
            // An `#[ignore = "…"]` gives its reason after a comma.
            (name, verdict.split(',').next().unwrap_or(verdict))
        })
        .collect()
}

fn verdict_of(outcome: &str) -> &str {
    match outcome {
        "passed" => "ok",
        "failed" => "FAILED",
        other => other,
    }
}

/// A copy of a published crate, built.
struct Suite {
    folder: PathBuf,
    /// Test programs by the name of their target.
    programs: BTreeMap<String, PathBuf>,
    warnings: usize,
}

impl Suite {
    fn build(name: &str, switched: bool) -> Self {
        let package = package(name);
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_suites");
        let folder = all.join(if switched { "switched" } else { "bare" });
        let folder = folder.join(format!("{name}-{}", text(package, "version")));
        let folder = lay_out(package, folder, switched);
        let built = Run::cargo()
            .args(["test", "--no-run", "--lib", "--tests", "--offline"])
            .arg("--message-format=json")
            .env("CARGO_TARGET_DIR", all.join("target"))
            .folder(&folder)
            .finish()
            .exits(0);
        let mut suite = Self { folder, programs: BTreeMap::new(), warnings: 0 };
        for line in built.stdout.lines() {
            let message: Value = serde_json::from_str(line).expect("cargo prints JSON");
            if let Some(executable) = message["executable"].as_str() {
                let target = &message["target"];
                let program = format!("{} {}", target["kind"], text(target, "name"));
                suite.programs.insert(program, executable.into());
            }
            suite.warnings += usize::from(message["reason"] == "compiler-message");
        }
        suite
    }
}

/// Lays out a package with the crate's sources, a manifest without optional features and benches, and this workspace's
/// lock file.
fn lay_out(package: &Value, folder: PathBuf, switched: bool) -> PathBuf {
    let ours = env!("CARGO_MANIFEST_DIR");
    let (switch, mut dependencies) = if switched {
        (SWITCH, format!("resmon = {{ path = {ours:?} }}\n"))
    } else {
        ("", String::new())
    };
    if text(package, "name") == "arrayvec" {
        dependencies.push_str("matches = \"0.1\"\n");
    }
    let manifest = format!(
        "[package]\nname = {name:?}\nversion = {version:?}\nedition = {edition:?}\n\
         [features]\ndefault = [\"std\"]\nstd = []\n\
         [dev-dependencies]\n{dependencies}\
         [lints.rust]\nunexpected_cfgs = \"allow\"\n\
         [workspace]\n",
        name = text(package, "name"),
        version = text(package, "version"),
        edition = text(package, "edition"),
    );
    let lock = fs::read(Path::new(ours).join("Cargo.lock")).expect("cargo made it for this build");
    write(&folder.join("Cargo.lock"), &lock);
    // The switch is left out of crate roots without tests, in which the compiler would warn that it is unused.
    let add_switch = |file: &Path, content: &mut Vec<u8>| {
        let is_library = file.ends_with("src/lib.rs") && has_tests(&file.with_file_name(""));
        let is_test = file.parent().is_some_and(|folder| folder.ends_with("tests"));
        if is_library || is_test && has_tests(file) {
            content.extend(switch.bytes());
        }
    };
    published::lay_out(package, folder, &manifest, add_switch)
}

/// Returns whether this file, or one in this folder, has a test.
fn has_tests(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|source| source.contains("#[test]"))
        || names_in(path).iter().any(|name| has_tests(&path.join(name)))
}
