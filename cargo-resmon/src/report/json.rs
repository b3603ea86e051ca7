//! The report for scripts. `docs/report-json.md` describes it; a change that breaks a reader is a new
//! [`VERSION`].

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::advice::{self, Advice};
use super::binary::Binary;
use super::model::Report;
use super::outcome::Outcome;
use super::record::{Attempt, GitHub, Machine};
use super::test::{Earlier, Measure, Test};

const VERSION: u32 = 1;

/// The whole document.
#[derive(Serialize)]
struct Document<'a> {
    /// Of this shape.
    version: u32,
    run: Run<'a>,
    /// The machine it ran on, the first of several; `null` where no session began.
    machine: Option<&'a Machine>,
    totals: Totals,
    /// In the order in which their first records came.
    tests: Vec<TestOf<'a>>,
    /// Those of `cargo test`, in the order in which they ended.
    binaries: Vec<BinaryOf<'a>>,
    /// The runs before it that the file holds, or the directory, the latest first; at most 20.
    earlier_runs: Vec<EarlierRun<'a>>,
    /// The most urgent first.
    advice: Vec<Advice>,
    /// Lines of the file that are no records.
    unreadable_lines: usize,
    /// Records that came more than once, and count once.
    duplicate_records: usize,
}

/// The run that is shown.
#[derive(Serialize)]
struct Run<'a> {
    /// Its `run_id`.
    id: Option<&'a str>,
    /// The first sign of it.
    started: Option<Timestamp>,
    /// The last sign of it.
    ended: Option<Timestamp>,
    /// Wall seconds from the one to the other.
    duration_s: Option<f64>,
    /// Wall seconds in which at least one test ran.
    testing_s: Option<f64>,
    packages: Vec<&'a str>,
    /// That of the run, or the first of its test processes' that is not 0; −1 is a crash.
    exit_status: Option<i32>,
    /// Sessions that began: one under `cargo resmon`, one per test process elsewhere.
    sessions_started: usize,
    /// Sessions that told their end.
    sessions_ended: usize,
    /// Records that could not be kept.
    records_dropped: i64,
    /// How many machines it ran on.
    machines: usize,
    /// `null` outside GitHub Actions.
    github: Option<&'a GitHub>,
}

/// Figures of all tests.
#[derive(Serialize)]
struct Totals {
    tests: usize,
    passed: usize,
    failed: usize,
    crashed: usize,
    unfinished: usize,
    unknown: usize,
    /// Tests that passed only when tried again; they are among `passed`.
    flaky: usize,
    /// Attempts after the first.
    retries: usize,
    /// CPU seconds of all attempts that have any.
    cpu_s: Option<f64>,
    /// Whether these are all that the tests used: no attempt lacks them or counts its own thread only.
    cpu_is_whole: bool,
    /// Usage of the machine's CPUs while tests of at least 200 ms ran, 0 to 100.
    machine_cpu_percent: Option<f64>,
    /// The least memory of the machine that was available, in bytes.
    mem_available_min: Option<i64>,
    /// The fullest that the disk was, 0 to 100.
    disk_percent_max: Option<f64>,
}

/// A test. Of several attempts each of its figures is the greatest.
#[derive(Serialize)]
struct TestOf<'a> {
    /// Its `test_nodeid`.
    id: &'a str,
    package: Option<&'a str>,
    /// Its Cargo target, as nextest names binaries.
    target: Option<&'a str>,
    /// That of the last attempt.
    outcome: Outcome,
    /// Whether it passed only when tried again.
    flaky: bool,
    #[serde(flatten)]
    figures: Figures,
    attempts: &'a [Attempt],
    /// What it cost in earlier runs.
    earlier: Vec<EarlierTest>,
}

/// What a test cost.
#[derive(Serialize)]
struct Figures {
    /// Wall seconds.
    duration_s: Option<f64>,
    /// CPU seconds, user and system.
    cpu_s: Option<f64>,
    /// The most resident bytes of its process.
    rss_peak: Option<i64>,
    /// `rss_after` − `rss_before`
    rss_growth: Option<i64>,
}

/// A process that ran tests.
#[derive(Serialize)]
struct BinaryOf<'a> {
    /// As the report shows it.
    name: String,
    package: Option<&'a str>,
    /// The file that it was built from, if that could be told.
    source: Option<&'a str>,
    executable: Option<&'a str>,
    outcome: Outcome,
    exit_status: Option<i32>,
    signal: Option<i32>,
    /// Its end.
    timestamp: Option<Timestamp>,
    duration_s: Option<f64>,
    /// CPU seconds, user and system.
    cpu_s: Option<f64>,
    cpu_user_s: Option<f64>,
    cpu_system_s: Option<f64>,
    rss_peak: Option<i64>,
    io_read_bytes: Option<i64>,
    io_write_bytes: Option<i64>,
    /// Test records there are of it.
    tests: Option<u32>,
    /// How many of these are of tests that went wrong.
    tests_bad: Option<u32>,
    /// The Cargo target.
    target: Option<&'a str>,
    /// Why its tests are not measured from inside, though they were to be.
    not_instrumented: Option<&'a str>,
    /// Why its heap is not counted, though it was to be.
    heap_not_counted: Option<&'a str>,
}

/// What a test cost in an earlier run.
#[derive(Serialize)]
struct EarlierTest {
    /// The place of that run in `earlier_runs`.
    run: usize,
    outcome: Outcome,
    /// How many attempts it had.
    attempts: usize,
    #[serde(flatten)]
    figures: Figures,
}

/// A run before this.
#[derive(Serialize)]
struct EarlierRun<'a> {
    id: Option<&'a str>,
    started: Option<Timestamp>,
    duration_s: Option<f64>,
    tests: usize,
    /// Tests that failed, crashed or stayed unfinished.
    bad: usize,
}

pub(crate) fn write(report: &Report, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, &document(report))?;
    out.write_all(b"\n")?;
    out.flush()
}

fn document(report: &Report) -> Document<'_> {
    let run = &report.run;
    Document {
        version: VERSION,
        run: Run {
            id: run.id.as_deref(),
            started: run.first,
            ended: run.last,
            duration_s: run.seconds(),
            testing_s: report.totals.testing_s,
            packages: report.packages(),
            exit_status: run.exit_status,
            sessions_started: run.sessions_started,
            sessions_ended: run.sessions_ended,
            records_dropped: run.dropped,
            machines: run.machines.len(),
            github: run.github.as_ref(),
        },
        machine: run.machine(),
        totals: totals(report),
        tests: run.tests.iter().map(test).collect(),
        binaries: run.binaries.iter().map(binary).collect(),
        earlier_runs: report
            .earlier
            .iter()
            .map(|run| EarlierRun {
                id: run.id.as_deref(),
                started: run.first,
                duration_s: run.seconds,
                tests: run.tests,
                bad: run.bad,
            })
            .collect(),
        advice: advice::of(report)
            .into_iter()
            .map(|advice| Advice { text: super::units::with_spaces(&advice.text), ..advice })
            .collect(),
        unreadable_lines: report.unreadable.lines,
        duplicate_records: run.repeated,
    }
}

fn totals(report: &Report) -> Totals {
    let totals = &report.totals;
    Totals {
        tests: report.run.tests.len(),
        passed: totals.passed,
        failed: totals.failed,
        crashed: totals.crashed,
        unfinished: totals.unfinished,
        unknown: totals.unknown,
        flaky: totals.flaky,
        retries: totals.retries,
        cpu_s: totals.cpu_s,
        cpu_is_whole: totals.cpu_is_whole,
        machine_cpu_percent: totals.machine_cpu,
        mem_available_min: totals.mem_available.map(|(bytes, _)| bytes),
        disk_percent_max: totals.disk.map(|(percent, _)| percent),
    }
}

fn test(test: &Test) -> TestOf<'_> {
    TestOf {
        id: &test.key.id,
        package: test.key.package.as_deref(),
        target: test.key.target.as_deref(),
        outcome: test.outcome(),
        flaky: test.is_flaky(),
        figures: figures(Measure::ALL.map(|measure| test.most(measure).map(|(_, most)| most))),
        attempts: &test.attempts,
        earlier: test.earlier.iter().map(earlier).collect(),
    }
}

fn binary(binary: &Binary) -> BinaryOf<'_> {
    let (about, figures) = (&binary.about, &binary.figures);
    BinaryOf {
        name: binary.name(),
        package: about.package.as_deref(),
        source: about.source.as_deref(),
        executable: about.executable.as_deref(),
        outcome: binary.outcome(),
        exit_status: about.exit_status,
        signal: figures.signal,
        timestamp: figures.timestamp,
        duration_s: figures.duration_s,
        cpu_s: figures.cpu_s(),
        cpu_user_s: figures.cpu_user_s,
        cpu_system_s: figures.cpu_system_s,
        rss_peak: figures.rss_peak,
        io_read_bytes: figures.io_read_bytes,
        io_write_bytes: figures.io_write_bytes,
        tests: about.tests,
        tests_bad: about.tests_bad,
        target: about.target.as_deref(),
        not_instrumented: about.not_instrumented.as_deref(),
        heap_not_counted: about.heap_not_counted.as_deref(),
    }
}

fn earlier(test: &Earlier) -> EarlierTest {
    EarlierTest {
        run: test.run,
        outcome: test.outcome,
        attempts: test.attempts,
        figures: figures(test.figures),
    }
}

fn figures([duration_s, cpu_s, rss_peak, rss_growth]: [Option<f64>; 4]) -> Figures {
    #[expect(clippy::cast_possible_truncation, reason = "a number of bytes, as it was recorded")]
    let bytes = |value: Option<f64>| value.map(|value| value as i64);
    Figures { duration_s, cpu_s, rss_peak: bytes(rss_peak), rss_growth: bytes(rss_growth) }
}
