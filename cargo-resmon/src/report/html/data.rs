//! The JSON data for the page's script, kept short as there may be very many tests. `page/tests.js` reads it.

use serde::Serialize;

use super::chart::Frame;
use super::timeline::Timeline;
use crate::outcome::{Outcome, signal};
use crate::record::{Attempt, Scope};
use crate::report::model::Report;
use crate::report::test::{Earlier, Test};
use crate::report::text::clean;

/// The maximum number of earlier results of all tests together. The more tests, the fewer results each has.
const EARLIER: usize = 200_000;

#[derive(Serialize)]
struct Page {
    /// The names of the fields of an attempt.
    fields: &'static [&'static str],
    tests: Vec<TestRow>,
    packages: Vec<String>,
    /// The start times of the earlier runs.
    earlier: Vec<Option<String>>,
    /// The memory that the run may use, in bytes.
    memory: Option<i64>,
    timeline: Option<Times>,
}

/// The timeline's data, with which the script finds the test below the pointer.
#[derive(Serialize)]
struct Times {
    end: f64,
    frames: Vec<Frame>,
    cpu: Vec<[f64; 2]>,
    memory: Vec<[f64; 2]>,
}

/// A test: id, package, whether it is flaky, outcome, attempts, earlier runs.
#[derive(Serialize)]
struct TestRow(String, Option<usize>, u8, Outcome, Vec<Vec<Value>>, Vec<EarlierRow>);

/// An earlier result of a test: run, outcome, number of attempts, and the four figures.
#[derive(Serialize)]
struct EarlierRow(usize, Outcome, usize, [Option<f64>; 4]);

/// A figure in as few characters as it needs.
#[derive(Serialize)]
#[serde(untagged)]
enum Value {
    Whole(i64),
    Float(f64),
    Text(String),
    Missing(()),
}

const FIELDS: [&str; 26] = [
    "attempt",
    "outcome",
    "signal",
    "start",
    "lane",
    "duration",
    "cpu",
    "user",
    "system",
    "scope",
    "concurrent",
    "cpuBefore",
    "cpuAfter",
    "rssBefore",
    "rssAfter",
    "rssPeak",
    "growth",
    "memoryMin",
    "memoryAfter",
    "diskAfter",
    "faults",
    "switches",
    "read",
    "written",
    "allocations",
    "heapPeak",
];

pub(super) fn json(
    report: &Report,
    timeline: Option<&Timeline>,
    frames: Vec<Frame>,
) -> serde_json::Result<String> {
    let mut packages: Vec<_> =
        report.run.tests.iter().filter_map(|test| test.key.package.as_deref()).collect();
    packages.sort_unstable();
    packages.dedup();
    let mut starts: Vec<Vec<Option<(f64, usize)>>> =
        report.run.tests.iter().map(|test| vec![None; test.attempts.len()]).collect();
    for bar in timeline.into_iter().flat_map(|timeline| &timeline.bars) {
        starts[bar.of.0][bar.of.1] = Some((bar.start, bar.lane));
    }
    let each = (EARLIER / report.run.tests.len().max(1)).max(1);
    let page = Page {
        fields: &FIELDS,
        tests: report
            .run
            .tests
            .iter()
            .zip(starts)
            .map(|(test, starts)| row(test, &starts, &packages, each))
            .collect(),
        packages: packages.iter().map(|package| clean(package)).collect(),
        earlier: report
            .earlier
            .iter()
            .map(|run| run.first.map(|first| first.strftime("%Y-%m-%d %H:%M").to_string()))
            .collect(),
        memory: report.memory(),
        timeline: timeline.map(|timeline| Times {
            end: timeline.end,
            frames,
            cpu: rounded(&timeline.cpu),
            memory: rounded(&timeline.memory),
        }),
    };
    // `<` could end the script element. In JSON it occurs only in strings, so it can be escaped.
    Ok(serde_json::to_string(&page)?.replace('<', "\\u003c"))
}

fn rounded(points: &[(f64, f64)]) -> Vec<[f64; 2]> {
    points.iter().map(|(time, percent)| [round(*time, 1e3), round(*percent, 1e1)]).collect()
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

fn row(test: &Test, starts: &[Option<(f64, usize)>], packages: &[&str], earlier: usize) -> TestRow {
    let package = test.key.package.as_deref().and_then(|name| packages.binary_search(&name).ok());
    TestRow(
        test.name(),
        package,
        u8::from(test.is_flaky()),
        test.outcome(),
        test.attempts.iter().zip(starts).map(|(attempt, start)| values(attempt, *start)).collect(),
        test.earlier.iter().take(earlier).map(earlier_row).collect(),
    )
}

fn earlier_row(test: &Earlier) -> EarlierRow {
    EarlierRow(
        test.run,
        test.outcome,
        test.attempts,
        test.figures.map(|figure| figure.map(|figure| round(figure, 1e5))),
    )
}

/// Returns the figures of an attempt in the order of [`FIELDS`], without missing ones at the end.
fn values(attempt: &Attempt, start: Option<(f64, usize)>) -> Vec<Value> {
    let whole = |value: Option<i64>| value.map_or(Value::Missing(()), Value::Whole);
    let seconds = |value: Option<f64>| {
        // A time that is not 0 must not be rounded to 0.
        let least = |seconds| if seconds > 0.0 { 1e-6 } else { 0.0 };
        value.map_or(Value::Missing(()), |seconds| {
            Value::Float(round(seconds, 1e6).max(least(seconds)))
        })
    };
    let percent = |value: Option<f64>| {
        value.map_or(Value::Missing(()), |percent| Value::Float(round(percent, 1e1)))
    };
    let text = |value: Option<String>| value.map_or(Value::Missing(()), Value::Text);
    let scope = attempt.cpu_scope.and_then(|scope| match scope {
        Scope::Process => Some("process"),
        Scope::Thread => Some("thread"),
        Scope::Other => None,
    });
    let mut values = vec![
        Value::Whole(attempt.attempt.into()),
        Value::Text(attempt.outcome.name().to_owned()),
        text(attempt.signal.map(signal)),
        seconds(start.map(|(start, _)| start)),
        whole(start.and_then(|(_, lane)| i64::try_from(lane).ok())),
        seconds(attempt.duration_s),
        seconds(attempt.cpu_s()),
        seconds(attempt.cpu_user_s),
        seconds(attempt.cpu_system_s),
        text(scope.map(str::to_owned)),
        whole(attempt.concurrent_tests),
        percent(attempt.cpu_before),
        percent(attempt.cpu_after),
        whole(attempt.rss_before),
        whole(attempt.rss_after),
        whole(attempt.rss_peak),
        whole(attempt.growth()),
        whole(attempt.mem_available()),
        whole(attempt.mem_available_after),
        whole(attempt.disk_free_after),
        whole(attempt.page_faults_major),
        whole(attempt.ctx_switches_involuntary),
        whole(attempt.io_read_bytes),
        whole(attempt.io_write_bytes),
        whole(attempt.alloc_count),
        whole(attempt.alloc_peak_bytes),
    ];
    debug_assert_eq!(values.len(), FIELDS.len());
    while let Some(Value::Missing(())) = values.last() {
        values.pop();
    }
    values
}
