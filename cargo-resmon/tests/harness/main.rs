//! `cargo resmon test` on code that does not use resmon: the real program around the real Cargo.
#![cfg(unix)]

#[path = "../../../tests/support/mod.rs"]
mod support;

mod arguments;
mod attribute;
#[cfg(target_os = "linux")]
mod deaths;
mod endings;
mod environment;
mod fallback;
mod heap;
mod ids;
mod nextest;
mod outcomes;
mod published;
mod rebuild;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use support::{Finished, Fixture, Records, Run};
use tempfile::{TempDir, tempdir};

/// A package or a workspace, and a folder for the files of a run.
struct Suite {
    fixture: Fixture,
    folder: TempDir,
}

impl Suite {
    fn new() -> Self {
        Self::of(Fixture::new("untouched"))
    }

    fn of(fixture: Fixture) -> Self {
        Self { fixture, folder: tempdir().expect("a folder of our own") }
    }

    /// Returns `cargo resmon` with these arguments, which records to [`Self::file`].
    fn resmon(&self, arguments: &[&str]) -> Run {
        let run = Run::new(env!("CARGO_BIN_EXE_cargo-resmon")).arg("resmon").args(arguments);
        self.in_place(run)
            .env("RESMON_SPOOL_DIR", self.folder.path().join("spool"))
            .env("RESMON_FILE", self.file())
    }

    /// Returns `cargo resmon test` with these arguments.
    fn test(&self, arguments: &[&str]) -> Run {
        self.resmon(&[&["test", "--offline"], arguments].concat())
    }

    /// Returns `cargo test` with these arguments.
    fn plain(&self, arguments: &[&str]) -> Run {
        self.in_place(Run::cargo().args(["test", "--offline"]).args(arguments))
    }

    fn in_place(&self, run: Run) -> Run {
        run.folder(self.fixture.folder())
            .env("CARGO_TARGET_DIR", Fixture::target())
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("RUSTC_BOOTSTRAP")
            .env_remove("RUST_BACKTRACE")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("records.ndjson")
    }

    fn records(&self) -> Records {
        Records::of_file(self.file())
    }

    /// Runs the tests plainly and with the harness, and requires equal results. Returns the run with the harness.
    #[track_caller]
    fn same_as_plain(&self, arguments: &[&str]) -> Finished {
        let plain = self.plain(arguments).finish();
        let run = self.test(arguments).finish();
        assert_eq!(run.code, plain.code, "{}\n{}", run.stdout, run.stderr);
        assert_eq!(run.counts(), plain.counts());
        assert_eq!(verdicts(&run.stdout), verdicts(&plain.stdout));
        run
    }

    /// Runs [`Self::same_as_plain`], and requires one record for each test that ran, with libtest's outcome.
    #[track_caller]
    fn all_recorded(&self, arguments: &[&str]) -> Records {
        let run = self.same_as_plain(arguments);
        let mut ran = verdicts(&run.stdout);
        ran.retain(|name, verdict| *verdict != "ignored" && !name.contains(" (line "));
        let mut ran: Vec<_> = ran.into_iter().collect();
        let records = self.records();
        let tests = records.tests();
        let mut recorded: Vec<_> = tests
            .iter()
            .map(|test| {
                let verdict = if test.outcome() == "passed" { "ok" } else { "FAILED" };
                (test.name().to_owned(), verdict.to_owned())
            })
            .collect();
        ran.sort_unstable();
        recorded.sort_unstable();
        assert_eq!(recorded, ran);
        records
    }
}

/// Returns libtest's verdict on each test: `ok`, `FAILED` or `ignored`. Names are unique in the suites compared here.
fn verdicts(stdout: &str) -> BTreeMap<String, String> {
    stdout
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.rsplit_once(" ... "))
        .map(|(name, verdict)| {
            let name = name.strip_suffix(" - should panic").unwrap_or(name);
            (name.to_owned(), verdict.split(',').next().unwrap_or(verdict).to_owned())
        })
        .collect()
}

/// Returns the report's lines about binaries that are not instrumented or whose heap is not counted.
fn notes(run: &Finished) -> Vec<&str> {
    let starts = ["Not instrumented: ", "Heap not counted: "];
    run.stderr.lines().filter(|line| starts.iter().any(|start| line.starts_with(start))).collect()
}

/// Returns the ids and outcomes of the test records, sorted.
fn tests(records: &Records) -> Vec<(&str, &str)> {
    let mut tests: Vec<_> =
        records.tests().iter().map(|test| (test.id(), test.outcome())).collect();
    tests.sort_unstable();
    tests
}

/// Returns whether Cargo compiled a package.
fn compiled(run: &Finished) -> bool {
    run.stderr.lines().any(|line| line.trim_start().starts_with("Compiling"))
}

/// Creates a package with this library, and `rest` at the end of its manifest.
fn package(folder: &Path, name: &str, rest: &str, library: &str) -> Fixture {
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.with_file_name("")).expect("a folder of our own");
        std::fs::write(path, text).expect("the same");
    };
    write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n{rest}\n[workspace]\n"
        ),
    );
    write("src/lib.rs", library);
    Fixture::at(folder)
}
