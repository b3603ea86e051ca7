//! Tests that treat their process badly. Each driver runs one hostile test of this binary in a new process, once
//! without resmon and once in each mode. libtest's results and the end of the process must be the same, and the
//! expected records must be there.
#![cfg(all(target_os = "linux", feature = "tinybird"))]

#[path = "../support/mod.rs"]
mod support;

mod children;
mod clock;
mod descriptors;
mod environment;
mod exits;
mod forks;
mod limits;
mod machine;
mod streams;

use std::{env, path::PathBuf};

use support::{Finished, Record, Records, Run, Server, left_in_spool, schema};
use tempfile::{TempDir, tempdir};

/// Destination of the records.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    File,
    Tinybird,
    /// Tinybird, from a process that runs one test as nextest starts it.
    ProcessPerTest,
}

impl Mode {
    const ALL: [Self; 3] = [Self::File, Self::Tinybird, Self::ProcessPerTest];
}

/// One hostile test, by its name for `--exact`, and a folder for its records.
struct Case {
    test: &'static str,
    mode: Mode,
    folder: TempDir,
    server: Server,
}

impl Case {
    fn new(test: &'static str, mode: Mode) -> Self {
        Self { test, mode, folder: tempdir().expect("a folder"), server: Server::accepting() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("records.ndjson")
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// Returns a run of the hostile test by a shell that first runs the commands of `prefix`.
    fn hostile(&self, prefix: &str) -> Run {
        self.switch_on(in_shell(prefix, self.test))
    }

    /// Switches recording on.
    fn switch_on(&self, run: Run) -> Run {
        let run = run.env("RESMON_SPOOL_DIR", self.spool()).env("HOSTILE", self.folder.path());
        let to_tinybird = |run: Run| {
            run.env("TINYBIRD_WRITE_TOKEN", "a-token").env("TINYBIRD_API_URL", self.server.url())
        };
        match self.mode {
            Mode::File => run.env("RESMON_FILE", self.file()),
            Mode::Tinybird => to_tinybird(run),
            Mode::ProcessPerTest => to_tinybird(run)
                .env("NEXTEST", "1")
                .env("NEXTEST_EXECUTION_MODE", "process-per-test")
                .env("NEXTEST_RUN_ID", "a-run"),
        }
    }

    /// Returns the records that have arrived.
    fn records(&self) -> Records {
        match self.mode {
            Mode::File => Records::of_file(self.file()),
            Mode::Tinybird | Mode::ProcessPerTest => self.server.records(),
        }
    }

    /// Runs another session, which recovers the records of the first one. Returns all records but its own.
    fn recovered(&self) -> Records {
        let next = self.switch_on(in_shell("", "harmless"));
        let next = match self.mode {
            Mode::File | Mode::Tinybird => next,
            Mode::ProcessPerTest => next.env("NEXTEST_RUN_ID", "the-next-run"),
        };
        next.finish().exits(0);
        let mut records = self.records();
        let own = records.test("harmless").text("session_id").to_owned();
        // A record may come twice if its acknowledgement was lost with the process. This key identifies duplicates.
        let mut seen = Vec::new();
        records.0.retain(|record| {
            let key = [record.event(), record.id(), record.text("timestamp")].map(str::to_owned);
            let keep = record.text("session_id") != own && !seen.contains(&key);
            seen.push(key);
            keep
        });
        records
    }

    /// Waits for the end of the sender. Returns the names of the files left in the spool directory.
    #[track_caller]
    fn left(&self) -> Vec<String> {
        left_in_spool(&self.spool())
    }

    /// Requires one complete session with this outcome and exit status.
    #[track_caller]
    fn is_whole(&self, outcome: &str, exit_status: i64) -> Records {
        let records = self.records();
        let events = ["session_start", "test", "session_end"];
        assert_eq!(records.events(), events, "{:?}: {records:#?}", self.mode);
        assert_eq!(records.test(self.test).outcome(), outcome, "{:?}", self.mode);
        assert_eq!(records.end().int("exit_status"), exit_status, "{:?}", self.mode);
        assert_eq!(self.left(), [""; 0], "{:?}", self.mode);
        records
    }
}

/// Returns a run of one test of this binary by a shell that first runs the commands of `prefix`.
fn in_shell(prefix: &str, test: &str) -> Run {
    let own = env::current_exe().expect("a test binary knows where it is");
    let script = format!("{prefix} exec \"$0\" \"$@\"");
    let run = Run::new("sh").args(["-c", &script]).arg(own);
    run.args([test, "--exact", "--ignored", "--test-threads=1"]).env("RUST_BACKTRACE", "0")
}

/// Runs a hostile test in all modes, compares each run with one without resmon, and passes it to `check`.
#[track_caller]
fn in_both_modes(test: &'static str, check: impl Fn(&Case, &Finished)) {
    after("", test, check);
}

/// Does the same as [`in_both_modes`], after the shell commands of `prefix`.
#[track_caller]
fn after(prefix: &str, test: &'static str, check: impl Fn(&Case, &Finished)) {
    let bare = Case::new(test, Mode::File);
    let bare = in_shell(prefix, test).env("HOSTILE", bare.folder.path()).finish();
    for mode in Mode::ALL {
        let case = Case::new(test, mode);
        let run = case.hostile(prefix).finish();
        assert_same(&run, &bare);
        check(&case, &run);
    }
}

/// Requires the same results as from a run without resmon.
#[track_caller]
fn assert_same(run: &Finished, bare: &Finished) {
    assert_eq!(run.code, bare.code, "{}\n{}", run.stdout, run.stderr);
    assert_eq!(verdicts(run), verdicts(bare), "{}", run.stderr);
    assert!(!run.stdout.contains("resmon:"), "{}", run.stdout);
}

/// Returns libtest's lines about the tests, without durations.
fn verdicts(run: &Finished) -> Vec<String> {
    let said = |line: &&str| line.starts_with("running ") || line.starts_with("test ");
    let lines = run.stdout.lines().filter(said);
    lines.map(|line| line.split("; finished in").next().unwrap_or(line).to_owned()).collect()
}

/// Parses records, and requires that they match the schema except that these fields may be missing.
fn lacking(ndjson: &str, fields: &[&str]) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let parse = |line| serde_json::from_str(line).expect("a record is JSON");
    let records: Vec<serde_json::Map<_, _>> = ndjson.lines().map(parse).collect();
    for record in &records {
        let mut faults = schema::faults(record);
        faults
            .retain(|fault| !fields.iter().any(|field| *fault == format!("`{field}` is missing")));
        assert!(faults.is_empty(), "{faults:?} in {record:?}");
    }
    records
}

/// Returns the folder of a hostile test; `None` in an ordinary run.
fn folder() -> Option<PathBuf> {
    env::var_os("HOSTILE").map(PathBuf::from)
}

/// Starts a session that recovers the records of others.
#[resmon::test]
#[ignore = "run by drivers"]
fn harmless() {}

/// Returns the only record of a test that must have crashed.
fn crashed<'a>(records: &'a Records, test: &str) -> &'a Record {
    let record = records.test(test);
    assert_eq!(record.outcome(), "crashed");
    record
}
