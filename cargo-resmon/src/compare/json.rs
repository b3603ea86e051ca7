//! The comparison as JSON for scripts. `docs/compare.md` describes it. A breaking change needs a new [`VERSION`].

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::comparison::{Change, Comparison, Kind, Severity, Speed, State, TestChange, Unjudged};
use super::metric::Metric;
use super::side::Side;
use super::verdict::Why;

const VERSION: u32 = 1;

/// The whole document.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    /// Whether a test exceeds a limit of `--fail` or `--max`.
    is_worse: bool,
    base: SideOf<'a>,
    head: SideOf<'a>,
    /// The factors of the runs.
    speeds: Vec<SpeedOf<'a>>,
    totals: Vec<TotalOf<'a>>,
    tests: Vec<TestOf<'a>>,
    unjudged_limits: &'a [Unjudged],
}

#[derive(Serialize)]
struct SideOf<'a> {
    label: &'a str,
    runs: Vec<RunOf<'a>>,
}

#[derive(Serialize)]
struct RunOf<'a> {
    id: Option<&'a str>,
    started: Option<Timestamp>,
    duration_s: Option<f64>,
    tests: usize,
    hostname: Option<&'a str>,
    cpu_model: Option<&'a str>,
}

#[derive(Serialize)]
struct SpeedOf<'a> {
    metric: Metric,
    base_factors: &'a [Option<f64>],
    head_factors: &'a [Option<f64>],
    /// The median of the head's factors.
    head: Option<f64>,
}

#[derive(Serialize)]
struct TotalOf<'a> {
    tests: usize,
    #[serde(flatten)]
    change: ChangeOf<'a>,
}

#[derive(Serialize)]
struct TestOf<'a> {
    id: &'a str,
    package: Option<&'a str>,
    target: Option<&'a str>,
    base: Option<State>,
    head: Option<State>,
    change: Option<Kind>,
    is_muted: bool,
    mute_reason: Option<&'a str>,
    metrics: Vec<ChangeOf<'a>>,
}

#[derive(Serialize)]
struct ChangeOf<'a> {
    metric: Metric,
    /// The medians, divided by the factors of the runs.
    base: Option<f64>,
    head: Option<f64>,
    /// The figures of the runs, as they were recorded.
    base_runs: &'a [Option<f64>],
    head_runs: &'a [Option<f64>],
    increase_percent: Option<f64>,
    verdict: &'static str,
    why: Option<Why>,
    exceeds: Option<Severity>,
    max: Option<f64>,
}

pub(crate) fn write(comparison: &Comparison<'_>, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, &of(comparison))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Returns the document as a value.
pub(crate) fn document(comparison: &Comparison<'_>) -> serde_json::Result<Value> {
    serde_json::to_value(of(comparison))
}

fn of<'a>(comparison: &'a Comparison<'_>) -> Document<'a> {
    Document {
        version: VERSION,
        is_worse: comparison.is_worse(),
        base: side(comparison.base),
        head: side(comparison.head),
        speeds: comparison
            .speeds
            .iter()
            .map(|speed| self::speed(speed, comparison.base.runs.len()))
            .collect(),
        totals: comparison
            .totals
            .iter()
            .map(|total| TotalOf { tests: total.tests, change: change(&total.change) })
            .collect(),
        tests: comparison.tests.iter().map(test).collect(),
        unjudged_limits: &comparison.unjudged,
    }
}

fn side(side: &Side) -> SideOf<'_> {
    let run = |run| {
        let run: &crate::report::run::Run = run;
        let machine = run.machine();
        RunOf {
            id: run.id.as_deref(),
            started: run.first,
            duration_s: run.seconds(),
            tests: run.tests.len(),
            hostname: machine.and_then(|machine| machine.hostname.as_deref()),
            cpu_model: machine.and_then(|machine| machine.cpu_model.as_deref()),
        }
    };
    SideOf { label: &side.label, runs: side.runs.iter().map(run).collect() }
}

fn speed(speed: &Speed, split: usize) -> SpeedOf<'_> {
    let (base_factors, head_factors) = speed.factors.split_at(split);
    SpeedOf { metric: speed.metric, base_factors, head_factors, head: speed.head }
}

fn test(test: &TestChange) -> TestOf<'_> {
    TestOf {
        id: &test.key.id,
        package: test.key.package.as_deref(),
        target: test.key.target.as_deref(),
        base: test.base,
        head: test.head,
        change: test.kind(),
        is_muted: test.mute.is_some(),
        mute_reason: test.mute.as_ref().and_then(|mute| mute.reason.as_deref()),
        metrics: test.changes.iter().map(change).collect(),
    }
}

fn change(change: &Change) -> ChangeOf<'_> {
    ChangeOf {
        metric: change.metric,
        base: change.base,
        head: change.head,
        base_runs: &change.base_runs,
        head_runs: &change.head_runs,
        increase_percent: change.share().map(|share| share * 100.0),
        verdict: change.verdict.name(),
        why: change.verdict.why(),
        exceeds: change.breach.map(|breach| breach.severity),
        max: change.breach.and_then(|breach| breach.most),
    }
}
