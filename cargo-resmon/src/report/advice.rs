//! Advice that follows from the figures of a run.

mod binaries;
mod deaths;

use std::fmt::Write as _;

use serde::Serialize;

use super::binary::Binary;
use super::model::Report;
use super::test::{Measure, Test};
use super::units::{self, bytes, count, float, percent, seconds};
use crate::record::Scope;

/// The maximum number of lines of one kind; the tables show the rest.
const EACH: usize = 3;

/// One line of advice.
#[derive(Debug, Serialize)]
pub(crate) struct Advice {
    /// The subject.
    pub(crate) kind: Kind,
    /// The id of the test that it is about; `null` if it is about the run.
    pub(crate) test: Option<String>,
    /// A sentence with the problem and a remedy. Not stable.
    pub(crate) text: String,
}

/// The subject of a line of advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// No test is recorded.
    NoTests,
    /// Some test binaries recorded no test.
    Unmarked,
    /// Records are missing: some were dropped, or the end of a process is not recorded.
    Incomplete,
    /// SIGKILL ended a test, a test binary or a part of the build, as happens when memory runs out.
    Killed,
    /// The memory of the machine was nearly exhausted.
    MemoryExhausted,
    /// The process of a test needs most of the memory that the run may use.
    MemoryHungry,
    /// A disk was full, or nearly.
    DiskFull,
    /// Tests passed only in a retry.
    Flaky,
    /// A test keeps several CPUs busy.
    CpuHungry,
    /// The tests wait most of the time.
    Waiting,
    /// The tests compute, but too few run at once to use the CPUs.
    FewAtOnce,
    /// One test takes most of the run.
    Dominant,
    /// Tests took longer than in earlier runs.
    Slower,
}

/// Returns the advice for a run, the most urgent first.
pub(crate) fn of(report: &Report) -> Vec<Advice> {
    let rules: [fn(&Report) -> Vec<Advice>; 15] = [
        no_tests,
        deaths::tests,
        deaths::binaries,
        deaths::others,
        deaths::disks,
        memory_exhausted,
        memory_hungry,
        disk_full,
        flaky,
        slower,
        dominant,
        idle,
        cpu_hungry,
        binaries::unmarked,
        incomplete,
    ];
    rules.iter().flat_map(|rule| rule(report)).collect()
}

fn about_run(kind: Kind, text: String) -> Vec<Advice> {
    vec![Advice { kind, test: None, text }]
}

fn about(kind: Kind, Test { key, .. }: &Test, text: String) -> Advice {
    Advice { kind, test: Some(key.id.clone()), text }
}

fn no_tests(report: &Report) -> Vec<Advice> {
    if !report.run.tests.is_empty() {
        return Vec::new();
    }
    let binaries = &report.run.binaries;
    if report.is_without_session() {
        return about_run(Kind::NoTests, "no test was started".to_owned());
    }
    if !binaries.is_empty() && binaries.iter().all(Binary::is_instrumented) {
        return about_run(Kind::NoTests, "no test ran, or none of them could report".to_owned());
    }
    let text = "no test is recorded: figures per test need the harness of `cargo resmon test`, the attribute, or \
                `cargo resmon nextest run`";
    about_run(Kind::NoTests, text.to_owned())
}

fn memory_exhausted(report: &Report) -> Vec<Advice> {
    let Some((least, place)) = report.totals.mem_available else { return Vec::new() };
    let total = report.run.of_all_machines(|machine| machine.mem_total_bytes);
    let Some(total) = total.filter(|total| *total > 0) else { return Vec::new() };
    if float(least) > float(total) * 0.05 {
        return Vec::new();
    }
    let text = format!(
        "while it ran, only {} of the machine's {} of memory were left: fewer tests at once need less",
        bytes(least),
        bytes(total)
    );
    vec![about(Kind::MemoryExhausted, &report.run.tests[place], text)]
}

fn memory_hungry(report: &Report) -> Vec<Advice> {
    let Some(limit) = report.memory() else { return Vec::new() };
    let hungry = report.top(Measure::Memory, usize::MAX).into_iter().filter_map(|(test, attempt, peak)| {
        let share = peak / float(limit) * 100.0;
        (share >= 60.0).then(|| {
            let whose = match attempt.concurrent_tests {
                Some(tests) if tests > 1 => format!("the process it shared with {} more", tests - 1),
                _ => "it".to_owned(),
            };
            let text = format!(
                "{whose} needed {} of the {} of memory there are for the run, {}: a second one like it does not fit",
                bytes(attempt.rss_peak.unwrap_or_default()),
                bytes(limit),
                percent(share)
            );
            about(Kind::MemoryHungry, test, text)
        })
    });
    hungry.take(EACH).collect()
}

fn disk_full(report: &Report) -> Vec<Advice> {
    let Some((used, free)) = report.totals.disk else { return Vec::new() };
    if used < 95.0 {
        return Vec::new();
    }
    let free = free.map(|free| format!(", {} were free", bytes(free))).unwrap_or_default();
    about_run(Kind::DiskFull, format!("the disk was {} full{free}", percent(used)))
}

fn flaky(report: &Report) -> Vec<Advice> {
    let flaky = report.flaky().map(|test| {
        let text = format!("passed at attempt {}: look at what it depends on", test.retries() + 1);
        about(Kind::Flaky, test, text)
    });
    flaky.take(EACH).collect()
}

fn slower(report: &Report) -> Vec<Advice> {
    let slower = report.slower();
    let lost: f64 = slower.iter().map(|(_, now, usual)| now - usual).sum();
    let Some((test, now, usual)) = slower.first() else { return Vec::new() };
    let mut took = format!("took {} instead of the usual {}", seconds(*now), seconds(*usual));
    if slower.len() > 1 {
        let tests = count(slower.len(), "test");
        let _ = write!(took, "; {tests} together took {} longer than usual", seconds(lost));
    }
    vec![about(Kind::Slower, test, took)]
}

fn dominant(report: &Report) -> Vec<Advice> {
    let Some(testing) = report.totals.testing_s.filter(|seconds| *seconds >= 5.0) else {
        return Vec::new();
    };
    let others = report.run.tests.len() >= 3;
    let top = report.top(Measure::Time, 1);
    top.into_iter()
        .filter(|(.., longest)| others && *longest > testing * 0.5)
        .map(|(test, _, longest)| {
            let text = format!(
                "takes {} of the {} in which tests run: the run cannot get shorter than it, so split it or start it first",
                seconds(longest),
                seconds(testing)
            );
            about(Kind::Dominant, test, text)
        })
        .collect()
}

fn idle(report: &Report) -> Vec<Advice> {
    let totals = &report.totals;
    let Some(testing) = totals.testing_s.filter(|seconds| *seconds >= 5.0) else {
        return Vec::new();
    };
    let own = totals.cpu_s.filter(|_| totals.cpu_is_whole);
    match (own, report.cpus(), totals.machine_cpu) {
        (Some(cpu), Some(cpus), _) if cpu < 0.3 * testing * cpus => {
            let used = format!(
                "the tests used {} of CPU in {} on {}, {} of what they could",
                seconds(cpu),
                seconds(testing),
                units::of_cpus(cpus),
                percent(cpu / testing / cpus * 100.0)
            );
            // The tests wait if they use less than half a CPU each.
            if cpu < 0.5 * totals.tests_s {
                let text = format!(
                    "{used}: they wait most of the time, so more of them at once would be faster"
                );
                about_run(Kind::Waiting, text)
            } else {
                let at_once = units::cpus(totals.tests_s / testing);
                let text = format!(
                    "{used}: only {at_once} of them ran at once, so more at once would be faster"
                );
                about_run(Kind::FewAtOnce, text)
            }
        }
        (None, _, Some(cpu)) if cpu < 30.0 && !is_limited(report) => {
            let text = format!(
                "the machine's CPUs were {} busy while tests ran: they wait, or few of them ran at once",
                percent(cpu)
            );
            about_run(Kind::Waiting, text)
        }
        _ => Vec::new(),
    }
}

/// Returns whether the run may use fewer CPUs than the machine has. The machine's usage then says little.
fn is_limited(report: &Report) -> bool {
    report.run.machines.iter().any(|machine| match (machine.cpu_limit, machine.cpu_count) {
        (Some(limit), Some(count)) => limit < float(count),
        _ => false,
    })
}

fn cpu_hungry(report: &Report) -> Vec<Advice> {
    let hungry = report.top(Measure::Cpu, usize::MAX).into_iter().filter_map(|(test, attempt, cpu)| {
        let cpus = attempt.cpus().filter(|cpus| *cpus >= 1.5 && cpu >= 1.0)?;
        (attempt.cpu_scope == Some(Scope::Process)).then(|| {
            let text = format!(
                "keeps {} CPUs busy ({} of CPU in {}): tests beside it run slower, so tell the runner that it needs several threads",
                units::cpus(cpus),
                seconds(cpu),
                seconds(attempt.duration_s.unwrap_or_default())
            );
            about(Kind::CpuHungry, test, text)
        })
    });
    hungry.take(EACH).collect()
}

fn incomplete(report: &Report) -> Vec<Advice> {
    let run = &report.run;
    let mut advice = Vec::new();
    if run.dropped > 0 {
        let dropped = usize::try_from(run.dropped).unwrap_or(usize::MAX);
        let text =
            format!("at least {} did not come to where records go", count(dropped, "record"));
        advice.extend(about_run(Kind::Incomplete, text));
    }
    if let Some(open) =
        run.sessions_started.checked_sub(run.sessions_ended).filter(|open| *open > 0)
    {
        let text = if run.sessions_started == 1 {
            "the end of the run is not recorded: it is still going on, or was killed".to_owned()
        } else {
            format!(
                "the end of {} of {} is not recorded: killed, or still running",
                open,
                count(run.sessions_started, "test process")
            )
        };
        advice.extend(about_run(Kind::Incomplete, text));
    }
    advice
}
