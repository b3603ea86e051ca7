//! resmon is a guest: a program that depends on it, or marks its tests, must not notice it. Each driver builds a
//! package of `tests/fixtures` with resmon's default features, and compares runs of its test programs with resmon
//! switched on and off.
#![cfg(all(target_os = "linux", feature = "tinybird"))]

#[path = "../support/mod.rs"]
mod support;

mod allocations;
mod capture;
mod counts;
mod dependencies;
mod logger;
mod size;
mod valgrind;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use support::{Fixture, Gate, Records, Request, Run, Running, Server};
use tempfile::{TempDir, tempdir};

/// Token that may appear in the `Authorization` header only.
const TOKEN: &str = "p.eyJ1IjogInNlY3JldCJ9.not-to-be-seen";

/// Returns the path of a test program of the fixture `guest`.
fn program(name: &str) -> &'static Path {
    static PROGRAMS: LazyLock<BTreeMap<String, PathBuf>> =
        LazyLock::new(|| Fixture::new("guest").programs(&[]));
    PROGRAMS.get(name).unwrap_or_else(|| panic!("no program {name:?} in {PROGRAMS:?}"))
}

/// Destination of a run's records.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// No destination: nothing is configured.
    Off,
    File,
    Tinybird,
}

/// A run of a test program of the fixture, with the files for its records and its report.
struct Guest {
    mode: Mode,
    folder: TempDir,
    server: Server,
    gate: Gate,
}

impl Guest {
    fn new(mode: Mode) -> Self {
        let folder = tempdir().expect("a folder of our own");
        Self { mode, folder, server: Server::accepting(), gate: Gate::closed() }
    }

    /// Switches resmon on for a run, which also gets the addresses of the gate and the report file.
    fn switch_on(&self, run: Run) -> Run {
        let run = run
            .env("GUEST_GATE", self.gate.address())
            .env("GUEST_REPORT", self.report_file())
            .env("RESMON_SPOOL_DIR", self.folder.path().join("spool"));
        match self.mode {
            Mode::Off => run,
            Mode::File => run.env("RESMON_FILE", self.records_file()),
            Mode::Tinybird => {
                run.env("TINYBIRD_WRITE_TOKEN", TOKEN).env("TINYBIRD_API_URL", self.server.url())
            }
        }
    }

    /// Returns a run of this program, in which one test waits at the gate.
    fn run(&self, name: &str) -> Run {
        self.switch_on(Run::new(program(name)))
    }

    /// Opens the gate when a test waits at it and, in Tinybird mode, the requests satisfy `wanted`.
    fn open_gate(&self, wanted: impl Fn(&[Request]) -> bool) {
        let waiting = self.gate.wait_for(1);
        if self.mode == Mode::Tinybird {
            self.server.wait_until(wanted);
        }
        drop(waiting);
    }

    /// Starts a run, and opens the gate when the session's start has been delivered.
    fn start(&self, run: Run) -> Running {
        let running = run.start();
        self.open_gate(|requests| !requests.is_empty());
        running
    }

    /// Returns the program's report.
    fn report(&self) -> String {
        fs::read_to_string(self.report_file()).expect("the program writes a report")
    }

    fn report_file(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    fn records_file(&self) -> PathBuf {
        self.folder.path().join("records.ndjson")
    }

    fn records(&self) -> Records {
        match self.mode {
            Mode::Off => Records::default(),
            Mode::File => Records::of_file(self.records_file()),
            Mode::Tinybird => self.server.records(),
        }
    }

    /// Requires a complete session of one test, unless the mode is [`Mode::Off`].
    #[track_caller]
    fn assert_recorded(&self) {
        let records = self.records();
        match self.mode {
            Mode::Off => assert!(records.is_empty()),
            Mode::File | Mode::Tinybird => {
                assert_eq!(records.events(), ["session_start", "test", "session_end"]);
            }
        }
    }
}
