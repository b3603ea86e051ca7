//! The comparison of two sides, independent of its form.

use serde::Serialize;

use super::limit::{Increase, Most};
use super::metric::{Coverage, Metric};
use super::mute::{Mute, Mutes};
use super::side::Side;
use super::statistics::{self, RUNS, Rule, median};
use super::table::{self, Cell, Row};
use super::verdict::{Verdict, Why};
use crate::report::run::Run;
use crate::report::test::Key;

/// The least time of a test in seconds that counts for the factor of a run.
pub(super) const LEAST: f64 = 0.02;

/// The limits of the user.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// The least changes that count.
    pub(crate) thresholds: Vec<Increase>,
    pub(crate) warn: Vec<Increase>,
    pub(crate) fail: Vec<Increase>,
    pub(crate) most: Vec<Most>,
}

impl Limits {
    /// Returns what counts as a change of a metric.
    fn rule(&self, metric: Metric) -> Rule {
        let threshold = self.thresholds.iter().rev().find(|limit| limit.metric == metric);
        threshold.map_or(metric.rule(), |limit| limit.rule(metric.rule()))
    }
}

/// Two sides and their differences.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    pub(crate) base: &'a Side,
    pub(crate) head: &'a Side,
    /// The factors of the runs, for the metrics that depend on the speed of the machine.
    pub(crate) speeds: Vec<Speed>,
    /// The tests, in the order of their first records.
    pub(crate) tests: Vec<TestChange>,
    /// The figures of all tests that all runs have.
    pub(crate) totals: Vec<Total>,
    /// Limits for which no test could be judged, with the reason.
    pub(crate) unjudged: Vec<Unjudged>,
    /// The patterns of muted tests that match no test.
    pub(crate) idle_mutes: Vec<String>,
}

/// How much slower the runs are than the base.
#[derive(Debug)]
pub(crate) struct Speed {
    pub(crate) metric: Metric,
    /// One factor for each run, those of the base first. `None` for a run with too few tests in common.
    pub(crate) factors: Vec<Option<f64>>,
    /// The median of the head's factors; that of the base is 1.
    pub(crate) head: Option<f64>,
}

/// A test of one side or both.
#[derive(Debug)]
pub(crate) struct TestChange {
    pub(crate) key: Key,
    pub(crate) name: String,
    pub(crate) base: Option<State>,
    pub(crate) head: Option<State>,
    /// The metrics that a side has.
    pub(crate) changes: Vec<Change>,
    pub(crate) mute: Option<Mute>,
}

/// How a test ended in the runs of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Passes,
    /// It failed in some runs, or passed only in a retry.
    Flaky,
    Fails,
}

/// A difference in the outcomes of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    NewlyFailing,
    NewlyFlaky,
    /// It no longer fails, or is no longer flaky.
    Fixed,
    New,
    Gone,
}

/// A metric of a test on both sides.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) metric: Metric,
    /// The medians. Where runs have a factor, that of their figures divided by it.
    pub(crate) base: Option<f64>,
    pub(crate) head: Option<f64>,
    /// The figures of the runs, as they were recorded.
    pub(crate) base_runs: Vec<Option<f64>>,
    pub(crate) head_runs: Vec<Option<f64>>,
    pub(crate) verdict: Verdict,
    /// The worst limit that the head exceeds.
    pub(crate) breach: Option<Breach>,
    /// Whether another run could tell if it exceeds a limit of `--fail`.
    pub(crate) is_suspect: bool,
}

/// A limit that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Breach {
    pub(crate) severity: Severity,
    /// The maximum, if it is one.
    pub(crate) most: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    Fail,
    Warn,
}

/// A metric of all tests together.
#[derive(Debug)]
pub(crate) struct Total {
    /// The number of tests in it: those that all runs have.
    pub(crate) tests: usize,
    pub(crate) change: Change,
}

/// A limit for which no test could be judged.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unjudged {
    pub(crate) metric: Metric,
    pub(crate) why: Why,
}

impl<'a> Comparison<'a> {
    /// Compares the sides. `confirms` tells whether suspects will be run again, so that a single run of the head is
    /// enough for tests that are not suspects.
    pub(crate) fn of(
        base: &'a Side,
        head: &'a Side,
        limits: &Limits,
        mutes: &Mutes,
        confirms: bool,
    ) -> Self {
        let runs: Vec<&Run> = base.runs.iter().chain(&head.runs).collect();
        let rows = table::rows(runs.iter().copied());
        let split = base.runs.len();
        let speeds: Vec<Speed> = Metric::ALL
            .into_iter()
            .filter(|metric| metric.depends_on_speed())
            .map(|metric| Speed::of(metric, &rows, runs.len(), split))
            .collect();
        let whole = runs.len() - head.partial;
        let judge = Judge { limits, speeds: &speeds, split, whole };
        let mut mutes = mutes.matcher();
        let tests: Vec<_> = rows
            .iter()
            .map(|row| TestChange {
                base: state(&row.cells[..split]),
                head: state(&row.cells[split..]),
                changes: Metric::ALL
                    .into_iter()
                    .filter_map(|metric| judge.test(metric, row))
                    .collect(),
                mute: mutes.find(&row.key),
                key: row.key.clone(),
                name: row.name.clone(),
            })
            .collect();
        let totals =
            Metric::ALL.into_iter().filter_map(|metric| judge.total(metric, &rows)).collect();
        let unjudged = unjudged(&tests, limits, confirms);
        let idle_mutes = mutes.idle();
        Self { base, head, speeds, tests, totals, unjudged, idle_mutes }
    }

    /// Returns whether a test that is not muted exceeds a limit of `--fail` or `--max`.
    pub(crate) fn is_worse(&self) -> bool {
        self.tests.iter().any(|test| test.mute.is_none() && test.severity() == Some(Severity::Fail))
    }

    /// Returns the number of tests that are on both sides.
    pub(crate) fn common(&self) -> usize {
        self.tests.iter().filter(|test| test.base.is_some() && test.head.is_some()).count()
    }

    /// Returns the tests with this difference in their outcomes.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &TestChange> {
        self.tests.iter().filter(move |test| test.kind() == Some(kind))
    }

    /// Returns the changes of tests that are worth a line: those that exceed a limit, got worse or got better, or look
    /// worse. The most important come first.
    pub(crate) fn notable(&self) -> Vec<(&TestChange, &Change)> {
        let mut notable: Vec<_> = self
            .tests
            .iter()
            .flat_map(|test| test.changes.iter().map(move |change| (test, change)))
            .filter(|(_, change)| change.rank() < Rank::None)
            .collect();
        notable.sort_by(|(test, change), (other_test, other)| {
            (test.mute.is_some(), change.rank(), change.metric as usize)
                .cmp(&(other_test.mute.is_some(), other.rank(), other.metric as usize))
                .then(other.weight().total_cmp(&change.weight()))
                .then_with(|| test.name.cmp(&other_test.name))
        });
        notable
    }
}

/// The importance of a change, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Fail,
    Warn,
    Worse,
    LooksWorse,
    Better,
    None,
}

impl TestChange {
    pub(crate) fn kind(&self) -> Option<Kind> {
        use State::{Fails, Flaky, Passes};
        match (self.base, self.head) {
            (None, Some(_)) => Some(Kind::New),
            (Some(_), None) => Some(Kind::Gone),
            (Some(Passes | Flaky), Some(Fails)) => Some(Kind::NewlyFailing),
            (Some(Passes), Some(Flaky)) => Some(Kind::NewlyFlaky),
            (Some(Fails | Flaky), Some(Passes)) => Some(Kind::Fixed),
            _ => None,
        }
    }

    /// Returns the severity of the worst limit that it exceeds.
    pub(crate) fn severity(&self) -> Option<Severity> {
        self.changes.iter().filter_map(|change| Some(change.breach?.severity)).min()
    }
}

impl Change {
    pub(crate) fn rank(&self) -> Rank {
        match (self.breach, self.verdict) {
            (Some(Breach { severity: Severity::Fail, .. }), _) => Rank::Fail,
            (Some(Breach { severity: Severity::Warn, .. }), _) => Rank::Warn,
            (None, Verdict::Worse) => Rank::Worse,
            (None, Verdict::Better) => Rank::Better,
            // Without any run to compare to, as for a shared process, nothing is said of the test.
            (None, Verdict::Unclear { why: Why::FewRuns | Why::FewTests, looks_worse: true }) => {
                Rank::LooksWorse
            }
            (None, _) => Rank::None,
        }
    }

    /// Returns the increase as a share of the base; infinite from 0.
    pub(crate) fn share(&self) -> Option<f64> {
        let (base, head) = (self.base?, self.head?);
        match base {
            _ if base > 0.0 => Some((head - base) / base),
            _ if head.total_cmp(&base).is_eq() => Some(0.0),
            _ => None,
        }
    }

    fn weight(&self) -> f64 {
        self.share().unwrap_or(f64::INFINITY).abs()
    }
}

impl Speed {
    fn of(metric: Metric, rows: &[Row], runs: usize, split: usize) -> Self {
        let figures: Vec<Vec<Option<f64>>> = rows
            .iter()
            .filter_map(|row| {
                let coverage = common_coverage(metric, row, split).ok()?;
                Some(covered(metric, row, coverage))
            })
            .collect();
        let factors = statistics::factors(figures.iter().map(Vec::as_slice), runs, split, LEAST);
        let head = median(factors[split..].iter().copied().flatten().collect());
        Self { metric, factors, head }
    }
}

/// Returns the figures that cover a part of the process, one for each run.
fn covered(metric: Metric, row: &Row, wanted: Coverage) -> Vec<Option<f64>> {
    let figure = |(figure, coverage)| (coverage == wanted).then_some(figure);
    row.figures(metric).map(|of_run| of_run.and_then(figure)).collect()
}

/// Returns the part of the process that figures of both sides cover.
fn common_coverage(metric: Metric, row: &Row, split: usize) -> Result<Coverage, Why> {
    let coverages: Vec<_> = row.figures(metric).map(|figure| Some(figure?.1)).collect();
    let (base, head) = coverages.split_at(split);
    let both = |coverage| base.contains(&Some(coverage)) && head.contains(&Some(coverage));
    let has_any = |side: &[Option<Coverage>]| side.iter().any(Option::is_some);
    [Coverage::Whole, Coverage::Thread, Coverage::Shared].into_iter().find(|one| both(*one)).ok_or(
        match (has_any(base), has_any(head)) {
            (true, true) if metric == Metric::Rss || metric == Metric::Growth => Why::Shared,
            (true, true) => Why::Coverage,
            _ => Why::Missing,
        },
    )
}

fn state(cells: &[Option<Cell>]) -> Option<State> {
    let cells: Vec<&Cell> = cells.iter().flatten().collect();
    let bad = cells.iter().filter(|cell| cell.outcome.is_bad()).count();
    let is_flaky = cells.iter().any(|cell| cell.is_flaky);
    match bad {
        _ if cells.is_empty() => None,
        0 if !is_flaky => Some(State::Passes),
        bad if bad == cells.len() => Some(State::Fails),
        _ => Some(State::Flaky),
    }
}

/// Judges figures by the limits and the factors of the runs.
struct Judge<'a> {
    limits: &'a Limits,
    speeds: &'a [Speed],
    /// The number of runs of the base, which come first.
    split: usize,
    /// The number of runs of all tests; those after them are runs of a few.
    whole: usize,
}

impl Judge<'_> {
    /// Judges a metric of a test; `None` if no run has it.
    fn test(&self, metric: Metric, row: &Row) -> Option<Change> {
        let (figures, obstacle) = match common_coverage(metric, row, self.split) {
            Ok(Coverage::Shared) => (covered(metric, row, Coverage::Shared), Some(Why::Shared)),
            Ok(coverage) => (covered(metric, row, coverage), None),
            Err(why) => (row.figures(metric).map(|figure| Some(figure?.0)).collect(), Some(why)),
        };
        let mut change = self.change(metric, &figures, obstacle)?;
        change.breach = self.breach(&change, obstacle);
        change.is_suspect = self.is_suspect(&change, obstacle);
        Some(change)
    }

    /// Judges a metric of all tests that every run has; `None` if it is 0 or unknown in all of them.
    fn total(&self, metric: Metric, rows: &[Row]) -> Option<Total> {
        let complete: Vec<Vec<f64>> = rows
            .iter()
            .filter_map(|row| {
                let coverage = common_coverage(metric, row, self.split).ok()?;
                let figures = covered(metric, row, coverage);
                let figures = figures.into_iter().take(self.whole);
                (coverage != Coverage::Shared).then_some(figures)?.collect()
            })
            .collect();
        let runs = complete.first()?.len();
        if complete.iter().flatten().all(|figure| *figure == 0.0) {
            return None;
        }
        let of_run = |run: usize| {
            let figures = complete.iter().map(|figures| figures[run]);
            Some(if metric.is_peak() {
                figures.fold(f64::NEG_INFINITY, f64::max)
            } else {
                figures.sum()
            })
        };
        let change = self.change(metric, &(0..runs).map(of_run).collect::<Vec<_>>(), None)?;
        Some(Total { tests: complete.len(), change })
    }

    fn change(
        &self,
        metric: Metric,
        figures: &[Option<f64>],
        obstacle: Option<Why>,
    ) -> Option<Change> {
        if figures.iter().all(Option::is_none) {
            return None;
        }
        let (base, head, slow) = self.sides(metric, figures);
        let rule = self.limits.rule(metric);
        let (base_runs, head_runs) = figures.split_at(self.split);
        Some(Change {
            metric,
            verdict: Verdict::of(metric, &base, &head, &rule, obstacle.or(slow)),
            base: median(base),
            head: median(head),
            base_runs: base_runs.to_vec(),
            head_runs: head_runs.to_vec(),
            breach: None,
            is_suspect: false,
        })
    }

    /// Returns the known figures of both sides, divided by the factors of their runs. Without factors for both sides,
    /// returns them as they are, with the reason why they tell nothing.
    fn sides(&self, metric: Metric, figures: &[Option<f64>]) -> (Vec<f64>, Vec<f64>, Option<Why>) {
        let known =
            |figures: &[Option<f64>]| figures.iter().copied().flatten().collect::<Vec<f64>>();
        let (base, head) = figures.split_at(self.split);
        let speed = self.speeds.iter().find(|speed| speed.metric == metric);
        let Some(speed) = speed else { return (known(base), known(head), None) };
        let normal: Vec<Option<f64>> = figures
            .iter()
            .zip(&speed.factors)
            .map(|(figure, factor)| Some((*figure)? / (*factor)?))
            .collect();
        let (normal_base, normal_head) =
            (known(&normal[..self.split]), known(&normal[self.split..]));
        let is_lost =
            |side: &[Option<f64>], normal: &[f64]| normal.is_empty() && !known(side).is_empty();
        if is_lost(base, &normal_base) || is_lost(head, &normal_head) {
            return (known(base), known(head), Some(Why::FewTests));
        }
        (normal_base, normal_head, None)
    }

    /// Judges a change by another rule than that of the comparison.
    fn again(&self, change: &Change, rule: &Rule, obstacle: Option<Why>) -> Verdict {
        let figures = [change.base_runs.as_slice(), &change.head_runs].concat();
        let (base, head, slow) = self.sides(change.metric, &figures);
        Verdict::of(change.metric, &base, &head, rule, obstacle.or(slow))
    }

    fn increases<'b>(
        &'b self,
        increases: &'b [Increase],
        metric: Metric,
    ) -> impl Iterator<Item = Rule> + 'b {
        let of_metric = increases.iter().filter(move |limit| limit.metric == metric);
        of_metric.map(move |limit| limit.rule(self.limits.rule(metric)))
    }

    /// Returns the worst limit that the change exceeds.
    fn breach(&self, change: &Change, obstacle: Option<Why>) -> Option<Breach> {
        let metric = change.metric;
        // A maximum holds for what was measured, on whatever machine.
        let measured = median(change.head_runs.iter().copied().flatten().collect());
        let most = self.limits.most.iter().filter(|limit| limit.metric == metric);
        let most = most.map(|limit| limit.figure).reduce(f64::min);
        if let Some(most) = most
            && measured.is_some_and(|measured| measured > most)
        {
            return Some(Breach { severity: Severity::Fail, most: Some(most) });
        }
        let exceeds = |limits: &[Increase]| {
            self.increases(limits, metric)
                .any(|rule| self.again(change, &rule, obstacle) == Verdict::Worse)
        };
        if exceeds(&self.limits.fail) {
            return Some(Breach { severity: Severity::Fail, most: None });
        }
        exceeds(&self.limits.warn).then_some(Breach { severity: Severity::Warn, most: None })
    }

    /// Returns whether a limit of `--fail` is exceeded, or would be if more runs of the head agreed.
    fn is_suspect(&self, change: &Change, obstacle: Option<Why>) -> bool {
        if !change.metric.is_noisy() || change.base_runs.iter().flatten().count() < RUNS {
            return false;
        }
        self.increases(&self.limits.fail, change.metric).any(|rule| {
            matches!(
                self.again(change, &rule, obstacle),
                Verdict::Worse | Verdict::Unclear { why: Why::FewRuns, looks_worse: true }
            )
        })
    }
}

/// Returns the limits of `--fail` and `--max` for which not a single test can be judged.
fn unjudged(tests: &[TestChange], limits: &Limits, confirms: bool) -> Vec<Unjudged> {
    let of = |metric| {
        tests.iter().flat_map(|test| &test.changes).filter(move |change| change.metric == metric)
    };
    let is_judged = |change: &Change| match change.verdict {
        // A test that is not a suspect is not worse, as far as a single run tells.
        Verdict::Unclear { why: Why::FewRuns, .. } => {
            confirms && !change.is_suspect && change.base_runs.iter().flatten().count() >= RUNS
        }
        Verdict::Unclear { .. } => false,
        _ => true,
    };
    let mut unjudged = Vec::new();
    for limit in &limits.fail {
        if !of(limit.metric).any(is_judged) {
            let why = of(limit.metric).filter_map(|change| change.verdict.why()).min();
            unjudged.push(Unjudged { metric: limit.metric, why: why.unwrap_or(Why::Missing) });
        }
    }
    for limit in &limits.most {
        if of(limit.metric).all(|change| change.head_runs.iter().all(Option::is_none)) {
            unjudged.push(Unjudged { metric: limit.metric, why: Why::Missing });
        }
    }
    unjudged
}
