//! Sentences about a comparison, the same in every form.

use std::fmt::Write as _;

use resmon_record::session_id::is_session_id;

use super::comparison::{Breach, Change, Comparison, Kind, Severity, TestChange, Unjudged};
use super::side::Side;
use super::verdict::{Verdict, Why};
use crate::record::Machine;
use crate::report::run::Run;
use crate::report::text::clean;
use crate::report::units::{self, count};

/// The maximum number of ids of runs to name for a side.
const IDS: usize = 3;

/// Describes a side: how many runs it has, which, and when they were.
pub(crate) fn side(side: &Side) -> String {
    let ids: Vec<_> = side.runs.iter().filter_map(|run| Some(short(run.id.as_deref()?))).collect();
    let whole = side.runs.len() - side.partial;
    let mut text = format!("{}: {}", clean(&side.label), count(whole, "run"));
    if side.partial > 0 {
        let _ = write!(text, ", suspects also in {}", count(side.partial, "more run"));
    }
    if !ids.is_empty() && ids.len() <= IDS && ids != [side.label.as_str()] {
        let ids: Vec<_> = ids.iter().map(|id| clean(id)).collect();
        let _ = write!(text, " ({})", ids.join(", "));
    }
    let format = |run: &Run| Some(run.first?.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let (first, last) = (side.runs.first().and_then(format), side.runs.last().and_then(format));
    match (first, last) {
        (Some(first), Some(last)) if first != last => text + &format!(", {first} to {last}"),
        (Some(first), _) => text + &format!(", {first}"),
        _ => text,
    }
}

/// Shortens an id of resmon to the part that `cargo resmon runs` lists. Others are those of the user.
fn short(id: &str) -> &str {
    if is_session_id(id) { &id[12..20] } else { id }
}

/// Returns the sentences below the sides: machines, and what cannot be told.
pub(crate) fn facts(comparison: &Comparison<'_>) -> Vec<String> {
    let mut facts: Vec<String> = machines(comparison).into_iter().collect();
    facts.extend(factors(comparison));
    for why in [Why::FewRuns, Why::FewTests] {
        let unclear = |change: &Change| change.verdict.why() == Some(why);
        let metrics: Vec<_> = comparison
            .totals
            .iter()
            .map(|total| &total.change)
            .filter(|change| unclear(change))
            .map(|change| change.metric.title())
            .collect();
        if !metrics.is_empty() {
            facts.push(format!(
                "Cannot tell whether {} changed: {}",
                listed(&metrics),
                why.describe()
            ));
        }
    }
    facts
}

/// Joins words as `a, b and c`.
fn listed(words: &[&str]) -> String {
    match words {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        _ => words.concat(),
    }
}

/// Says what the head's machines are if they are not those of the base.
fn machines(comparison: &Comparison<'_>) -> Option<String> {
    let describe = |machine: &Machine| {
        let parts = [&machine.os, &machine.arch, &machine.cpu_model];
        let mut parts: Vec<_> = parts.into_iter().flatten().map(|part| clean(part)).collect();
        parts.extend(machine.cpu_limit.map(units::of_cpus));
        parts.join(" ")
    };
    let of = |side: &Side| {
        let mut machines: Vec<_> =
            side.runs.iter().flat_map(|run| &run.machines).map(describe).collect();
        machines.sort();
        machines.dedup();
        machines.retain(|machine| !machine.is_empty());
        machines
    };
    let (base, head) = (of(comparison.base), of(comparison.head));
    let differ = !base.is_empty() && !head.is_empty() && base != head;
    differ.then(|| {
        format!(
            "The machines differ: {} for the base, {} for the head",
            base.join("; "),
            head.join("; ")
        )
    })
}

/// Says how the usual figures of the head are to those of the base, for metrics of the same factor in one sentence.
fn factors(comparison: &Comparison<'_>) -> Vec<String> {
    let mut factors: Vec<(String, Vec<&str>)> = Vec::new();
    for speed in &comparison.speeds {
        let is_known = comparison.totals.iter().any(|total| total.change.metric == speed.metric);
        let Some(factor) = speed.head.filter(|_| is_known) else { continue };
        let text = match factor {
            0.98..=1.02 => "the same on both sides".to_owned(),
            _ => format!(
                "{factor:.2} times as much in the head, by which its figures are divided: a machine of another speed, \
                 or a change to all tests"
            ),
        };
        match factors.iter_mut().find(|(other, _)| *other == text) {
            Some((_, metrics)) => metrics.push(speed.metric.title()),
            None => factors.push((text, vec![speed.metric.title()])),
        }
    }
    let sentence =
        |(text, metrics): (String, Vec<&str>)| format!("Usual {}: {text}", listed(&metrics));
    factors.into_iter().map(sentence).collect()
}

/// Counts the tests: how many are on both sides, and how many ended otherwise.
pub(crate) fn tests(comparison: &Comparison<'_>) -> String {
    let mut text = format!("{} in common", count(comparison.common(), "test"));
    for kind in KINDS {
        let number = comparison.of_kind(kind).count();
        if number > 0 {
            let _ = write!(text, ", {} {}", units::number(number), word(kind));
        }
    }
    text
}

pub(crate) const KINDS: [Kind; 5] =
    [Kind::NewlyFailing, Kind::NewlyFlaky, Kind::Fixed, Kind::New, Kind::Gone];

pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::NewlyFailing => "newly failing",
        Kind::NewlyFlaky => "newly flaky",
        Kind::Fixed => "fixed",
        Kind::New => "new",
        Kind::Gone => "gone",
    }
}

/// Returns the verdict on a change in a word or two.
pub(crate) fn verdict(test: Option<&TestChange>, change: &Change) -> &'static str {
    if let (Some(_), Some(_)) = (test.and_then(|test| test.mute.as_ref()), change.breach) {
        return "muted";
    }
    match (change.breach, change.verdict) {
        (Some(Breach { severity: Severity::Fail, most: Some(_) }), _) => "over limit",
        (Some(Breach { severity: Severity::Fail, .. }), _) => "fail",
        (Some(Breach { severity: Severity::Warn, .. }), _) => "warn",
        (None, Verdict::Worse) => "worse",
        (None, Verdict::Better) => "better",
        (None, Verdict::Same) => "same",
        (None, Verdict::Unclear { .. }) => "cannot tell",
    }
}

/// Formats the increase: `+50 %`, `−12 %`, `×3.2`.
pub(crate) fn increase(change: &Change) -> String {
    match change.share() {
        Some(share) if share >= 9.995 => format!("×{:.0}", share + 1.0),
        Some(share) if share >= 0.0005 => format!("+{}", percent(share * 100.0)),
        Some(share) if share <= -0.0005 => format!("−{}", percent(-share * 100.0)),
        Some(_) => "0\u{a0}%".to_owned(),
        None => String::new(),
    }
}

fn percent(percent: f64) -> String {
    if percent < 9.95 { format!("{percent:.1}\u{a0}%") } else { units::percent(percent) }
}

/// Formats both figures: `1.2 s → 1.8 s`.
pub(crate) fn from_to(change: &Change) -> String {
    format!("{} → {}", figure(change, change.base), figure(change, change.head))
}

pub(crate) fn figure(change: &Change, figure: Option<f64>) -> String {
    figure.map_or(units::MISSING.to_owned(), |figure| change.metric.format(figure))
}

/// Says which limit is exceeded, or why the test is muted.
pub(crate) fn remark(test: &TestChange, change: &Change) -> String {
    let most = change.breach.and_then(|breach| breach.most);
    let limit = most.map(|most| format!("at most {}", change.metric.format(most)));
    let reason = test.mute.as_ref().and_then(|mute| mute.reason.as_deref()).map(clean);
    let parts: Vec<_> = limit.into_iter().chain(reason).collect();
    parts.join(", ")
}

/// Says in a sentence how the comparison ended.
pub(crate) fn conclusion(comparison: &Comparison<'_>) -> String {
    let of = |wanted: Severity| {
        let tests = comparison.tests.iter().filter(|test| test.mute.is_none());
        tests.filter(|test| test.severity() == Some(wanted)).count()
    };
    let worse: usize = comparison
        .tests
        .iter()
        .filter(|test| test.changes.iter().any(|change| change.verdict == Verdict::Worse))
        .count();
    let better: usize = comparison
        .tests
        .iter()
        .filter(|test| test.changes.iter().any(|change| change.verdict == Verdict::Better))
        .count();
    let mut parts = Vec::new();
    for (number, what) in
        [(of(Severity::Fail), "over a limit"), (of(Severity::Warn), "over a soft limit")]
    {
        if number > 0 {
            parts.push(format!("{} {what}", count(number, "test")));
        }
    }
    for (number, what) in [(worse, "worse"), (better, "better")] {
        if number > 0 {
            parts.push(format!("{} {what}", count(number, "test")));
        }
    }
    if parts.is_empty() {
        return "No test got worse or better, as far as these runs tell".to_owned();
    }
    parts.join(", ")
}

/// Says that a limit could not be judged.
pub(crate) fn unjudged(unjudged: &Unjudged) -> String {
    let metric = unjudged.metric.name();
    if unjudged.why == Why::Missing {
        let hint = if unjudged.metric.is_noisy() { "" } else { ": run the tests with --heap" };
        return format!("the limit of {metric} cannot be judged: no test has this figure{hint}");
    }
    format!("the limit of {metric} cannot be judged for any test: {}", unjudged.why.describe())
}
