//! Published crates' own suites, recorded by the crate-wide switch: the one line below at the end of
//! each crate root, and nothing else in their sources.
//!
//! Their sources are where cargo keeps those of any dependency, for they are dev-dependencies of ours.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde_json::Value;
use support::{Finished, Records, Run};

const SWITCH: &str = "\n#[cfg(test)] #[macro_use(test)] extern crate resmon;\n";

#[test]
fn semver() {
    check("semver");
}

#[test]
fn smallvec() {
    check("smallvec");
}

/// Thirteen test programs, many `#[should_panic]`, and two global allocators of their own.
#[test]
fn bytes() {
    check("bytes");
}

#[test]
fn httparse() {
    check("httparse");
}

fn check(name: &str) {
    let bare = Suite::build(name, false);
    let switched = Suite::build(name, true);
    assert_eq!(switched.warnings, bare.warnings, "warnings of the compiler");
    assert!(switched.programs.keys().eq(bare.programs.keys()));
    let mut tests = 0;
    for (program, executable) in &switched.programs {
        let bare = Run::new(&bare.programs[program]).folder(&bare.folder);
        tests += check_program(&switched.folder, executable, &bare.finish());
    }
    assert!(tests > 20, "only {tests} tests of {name} were found");
}

/// Runs one test program with records, holds it against the bare run, and gives how many tests ran.
fn check_program(folder: &Path, executable: &Path, bare: &Finished) -> usize {
    let file = executable.with_extension("ndjson");
    // It is there when these tests were run before.
    let _ = fs::remove_file(&file);
    let run = Run::new(executable).folder(folder);
    let finished = run.env("RESMON_FILE", &file).finish();
    assert_eq!(finished.code, bare.code, "{}", finished.stdout);
    assert_eq!(finished.counts(), bare.counts());
    assert_eq!(finished.warnings(), [""; 0]);

    let verdicts = verdicts(&finished.stdout);
    assert_eq!(verdicts, self::verdicts(&bare.stdout));
    let ran: BTreeMap<&str, &str> =
        verdicts.into_iter().filter(|&(_, verdict)| verdict != "ignored").collect();
    let counts = finished.counts();
    assert_eq!(ran.len(), counts.passed + counts.failed);

    let records = Records::of_file(&file);
    if ran.is_empty() {
        assert!(records.is_empty());
        return 0;
    }
    assert_eq!(records.start().event(), "session_start");
    assert_eq!(records.end().int("exit_status"), i64::from(finished.code.expect("no signal")));
    let recorded: BTreeMap<&str, &str> = records
        .tests()
        .into_iter()
        .map(|record| (record.name(), verdict_of(record.outcome())))
        .collect();
    assert_eq!(recorded, ran);
    assert_eq!(records.tests().len(), ran.len(), "a test is recorded twice");
    for record in records.tests() {
        let (source, _) = record.id().split_once("::").expect("FILE::NAME");
        assert!(folder.join(source).is_file(), "no file {source}");
    }

    // Each of the names selects exactly one test, for together they select as many as there are.
    let selected = Run::new(executable).folder(folder).arg("--exact");
    let selected = selected.args(recorded.keys()).finish();
    assert_eq!(selected.counts().passed, counts.passed);
    assert_eq!(selected.counts().failed, counts.failed);
    assert!(self::verdicts(&selected.stdout).keys().eq(ran.keys()));
    ran.len()
}

/// What libtest says of each test: `ok`, `FAILED` or `ignored`.
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

/// A published crate, copied and built.
struct Suite {
    folder: PathBuf,
    /// The test programs by the name of their target.
    programs: BTreeMap<String, PathBuf>,
    warnings: usize,
}

impl Suite {
    fn build(name: &str, switched: bool) -> Self {
        let package = package(name);
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_suites");
        let folder = all.join(if switched { "switched" } else { "bare" });
        let folder = folder.join(format!("{name}-{}", text(package, "version")));
        lay_out(package, &folder, switched);
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

/// Lays out a package of its own: the crate's sources, a manifest without what its tests do not
/// need (optional features, benches), and the versions that this workspace uses.
fn lay_out(package: &Value, folder: &Path, switched: bool) {
    let ours = env!("CARGO_MANIFEST_DIR");
    let (switch, dependency) = if switched {
        let dependency = format!("resmon = {{ path = {ours:?}, default-features = false }}\n");
        (SWITCH, dependency)
    } else {
        ("", String::new())
    };
    let manifest = format!(
        "[package]\nname = {:?}\nversion = {:?}\nedition = {:?}\n\
         [features]\ndefault = [\"std\"]\nstd = []\n\
         [dev-dependencies]\n{dependency}\
         [lints.rust]\nunexpected_cfgs = \"allow\"\n\
         [workspace]\n",
        text(package, "name"),
        text(package, "version"),
        text(package, "edition"),
    );
    write(&folder.join("Cargo.toml"), manifest.as_bytes());
    let lock = fs::read(Path::new(ours).join("Cargo.lock")).expect("cargo made it for this build");
    write(&folder.join("Cargo.lock"), &lock);
    let from = Path::new(text(package, "manifest_path")).with_file_name("");
    for part in ["src", "tests", "build.rs"] {
        copy(&from.join(part), &folder.join(part), switch);
    }
}

/// Copies a file, or a folder and what is in it, and adds a line to each crate root. What is not
/// there is passed over.
fn copy(from: &Path, to: &Path, line: &str) {
    if let Ok(mut content) = fs::read(from) {
        if to.ends_with("src/lib.rs") || to.parent().is_some_and(|folder| folder.ends_with("tests"))
        {
            content.extend(line.bytes());
        }
        write(to, &content);
    } else if let Ok(entries) = fs::read_dir(from) {
        for entry in entries {
            let name = entry.expect("cargo unpacked it").file_name();
            copy(&from.join(&name), &to.join(&name), line);
        }
    }
}

/// Writes a file, unless it has this content: cargo builds again what is newer.
fn write(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|found| found == content) {
        return;
    }
    fs::create_dir_all(path.with_file_name("")).expect("the target folder can be written");
    fs::write(path, content).expect("the target folder can be written");
}

/// What cargo knows about a package of this workspace's graph.
fn package(name: &str) -> &'static Value {
    static METADATA: LazyLock<Value> = LazyLock::new(|| {
        let rustc = Run::new("rustc").arg("-vV").finish().exits(0).stdout;
        let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
        let metadata = Run::cargo()
            .args(["metadata", "--offline", "--format-version=1"])
            // The sources of what other platforms need may not be there.
            .args(["--filter-platform", host.expect("rustc names its host")])
            .folder(env!("CARGO_MANIFEST_DIR"))
            .finish()
            .exits(0);
        serde_json::from_str(&metadata.stdout).expect("cargo prints JSON")
    });
    METADATA["packages"]
        .as_array()
        .expect("a list of packages")
        .iter()
        .find(|package| package["name"] == name && text(package, "version").starts_with("1."))
        .unwrap_or_else(|| panic!("{name} 1.x is a dev-dependency of this package"))
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_else(|| panic!("{field} is no text"))
}
