//! The report as JSON for scripts. `docs/report-json.md` describes it. A breaking change needs a new [`VERSION`].

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::advice::{self, Advice};
use super::binary::Binary;
use super::death::{self, Death, Verdict};
use super::model::Report;
use super::test::{Earlier, Measure, Test};
use crate::local::{BuildRecord, Cause, ResourcesRecord};
use crate::outcome::Outcome;
use crate::record::{Attempt, GitHub, Machine};

const VERSION: u32 = 1;

/// The whole document.
#[derive(Serialize)]
struct Document<'a> {
    /// The version of this format.
    version: u32,
    run: Run<'a>,
    /// The machine of the run, the first of several; `null` if none is recorded.
    machine: Option<&'a Machine>,
    totals: Totals,
    /// The tests, in the order of their first records.
    tests: Vec<TestOf<'a>>,
    /// The test binaries of `cargo test`, in the order of their ends.
    binaries: Vec<BinaryOf<'a>>,
    /// The build of the run; `null` if nothing was compiled or nobody watched.
    build: Option<BuildRecord>,
    /// The processes that SIGKILL ended, with the reasons.
    deaths: Vec<DeathOf<'a>>,
    /// The memory and the disks of the run; `null` if nobody watched.
    resources: Option<ResourcesRecord>,
    /// The earlier runs in the files or the directory, the latest first; at most 20.
    earlier_runs: Vec<EarlierRun<'a>>,
    /// The advice, the most urgent first.
    advice: Vec<Advice>,
    /// The number of lines of the files that are not records.
    unreadable_lines: usize,
    /// The number of repeated records, which are ignored.
    duplicate_records: usize,
}

/// The run that is shown.
#[derive(Serialize)]
struct Run<'a> {
    /// Its `run_id`, else its `session_id`.
    id: Option<&'a str>,
    /// The earliest timestamp or start of a test or test binary.
    started: Option<Timestamp>,
    /// The latest timestamp.
    ended: Option<Timestamp>,
    /// Wall seconds from `started` to `ended`.
    duration_s: Option<f64>,
    /// Wall seconds in which at least one test ran.
    testing_s: Option<f64>,
    packages: Vec<&'a str>,
    /// The exit status of the run, or the first of its test processes that is not 0; −1 is a crash.
    exit_status: Option<i32>,
    /// The number of started sessions: one under `cargo resmon`, else one per test process.
    sessions_started: usize,
    /// The number of sessions with a recorded end.
    sessions_ended: usize,
    /// The number of dropped records.
    records_dropped: i64,
    /// The number of machines that it ran on.
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
    /// Tests that passed only in a retry; they are among `passed`.
    flaky: usize,
    /// Attempts after the first.
    retries: usize,
    /// CPU seconds of all attempts that report them.
    cpu_s: Option<f64>,
    /// Whether `cpu_s` is complete: no attempt lacks it or reports its own thread only.
    cpu_is_whole: bool,
    /// Usage of the machine's CPUs while tests of at least 200 ms ran, 0 to 100.
    machine_cpu_percent: Option<f64>,
    /// The least memory of the machine that was available, in bytes.
    mem_available_min: Option<i64>,
    /// The greatest used share of the disk in %, 0 to 100.
    disk_percent_max: Option<f64>,
}

/// A test. Each figure is the greatest of all attempts.
#[derive(Serialize)]
struct TestOf<'a> {
    /// Its `test_nodeid`.
    id: &'a str,
    package: Option<&'a str>,
    /// Its Cargo target, as nextest names binaries.
    target: Option<&'a str>,
    /// The outcome of the last attempt.
    outcome: Outcome,
    /// Whether it passed only in a retry.
    flaky: bool,
    #[serde(flatten)]
    figures: Figures,
    attempts: &'a [Attempt],
    /// Its results in earlier runs.
    earlier: Vec<EarlierTest>,
}

/// The cost of a test.
#[derive(Serialize)]
struct Figures {
    /// Wall seconds.
    duration_s: Option<f64>,
    /// CPU seconds, user and system.
    cpu_s: Option<f64>,
    /// The peak resident bytes of its process.
    rss_peak: Option<i64>,
    /// `rss_after` − `rss_before`
    rss_growth: Option<i64>,
}

/// A process that ran tests.
#[derive(Serialize)]
struct BinaryOf<'a> {
    /// The name, as in the other forms of the report.
    name: String,
    package: Option<&'a str>,
    /// Its source file, relative to its package, if it is known.
    source: Option<&'a str>,
    executable: Option<&'a str>,
    outcome: Outcome,
    exit_status: Option<i32>,
    signal: Option<i32>,
    /// The time of its end.
    timestamp: Option<Timestamp>,
    duration_s: Option<f64>,
    /// CPU seconds, user and system.
    cpu_s: Option<f64>,
    cpu_user_s: Option<f64>,
    cpu_system_s: Option<f64>,
    rss_peak: Option<i64>,
    io_read_bytes: Option<i64>,
    io_write_bytes: Option<i64>,
    /// The number of its test records.
    tests: Option<u32>,
    /// The number of these with a bad outcome.
    tests_bad: Option<u32>,
    /// The Cargo target.
    target: Option<&'a str>,
    /// The reason why its tests are not measured from inside although that was requested.
    not_instrumented: Option<&'a str>,
    /// The reason why its heap is not counted although that was requested.
    heap_not_counted: Option<&'a str>,
}

/// The death of a test process or of the build.
#[derive(Serialize)]
struct DeathOf<'a> {
    /// The name, as in the other forms of the report.
    name: String,
    verdict: Verdict,
    /// The tests that were open in the process.
    tests: &'a [String],
    package: Option<&'a str>,
    executable: Option<&'a str>,
    attempt: Option<i32>,
    timestamp: Option<Timestamp>,
    #[serde(flatten)]
    cause: Cause,
}

/// The result of a test in an earlier run.
#[derive(Serialize)]
struct EarlierTest {
    /// The index of that run in `earlier_runs`.
    run: usize,
    outcome: Outcome,
    /// The number of its attempts.
    attempts: usize,
    #[serde(flatten)]
    figures: Figures,
}

/// An earlier run.
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
        build: run.local.build(),
        deaths: death::all(report).into_iter().map(|death| of_death(report, &death)).collect(),
        resources: run.local.resources(),
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

fn of_death<'a>(report: &'a Report, death: &Death<'a>) -> DeathOf<'a> {
    let killed = death.kill.map(|kill| &kill.killed);
    let of_build = || report.run.local.build().map(|build| build.cause).unwrap_or_default();
    DeathOf {
        verdict: death.killer.verdict(),
        name: super::units::with_spaces(&death.name),
        tests: killed.map_or(&[], |killed| &killed.tests),
        package: killed.and_then(|killed| killed.package.as_deref()),
        executable: killed.and_then(|killed| killed.executable.as_deref()),
        attempt: killed.and_then(|killed| killed.attempt),
        timestamp: killed.and_then(|killed| killed.timestamp),
        cause: death.kill.map_or_else(of_build, |kill| kill.cause),
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
