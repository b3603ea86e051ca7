//! Sentences about a run, the same in every form of the report.

use std::fmt::Write as _;

use super::binary::Binary;
use super::model::Report;
use super::test::{Measure, Test};
use super::text::clean;
use super::units::{self, bytes, count, float, growth, percent, seconds};
use crate::outcome::{Outcome, signal};
use crate::record::{Attempt, Scope};

/// Returns the title: the name of the run, its start and its duration.
pub(crate) fn title(report: &Report) -> String {
    let run = &report.run;
    let packages = report.packages();
    let name = match (&run.github, packages.as_slice()) {
        (Some(github), _) if !github.repository.is_empty() => clean(&github.repository),
        (_, [package]) => clean(package),
        (_, []) => "Run".to_owned(),
        (_, packages) => count(packages.len(), "package"),
    };
    let mut title = name;
    if let Some(first) = run.first {
        title.push_str(&first.strftime(", %Y-%m-%d %H:%M:%S UTC").to_string());
    }
    if let Some(all) = run.seconds() {
        let _ = write!(title, ", took {}", seconds(all));
    }
    title
}

/// Counts the tests by outcome, and also the test binaries if the tests do not show their outcomes.
pub(crate) fn outcomes(report: &Report) -> String {
    if report.is_without_session() {
        return "the run ended before a test started".to_owned();
    }
    let totals = &report.totals;
    let mut text = count(report.run.tests.len(), "test");
    text.push_str(&counted([
        (totals.crashed, "crashed"),
        (totals.failed, "failed"),
        (totals.unfinished, "unfinished"),
        (totals.passed, "passed"),
        (totals.unknown, "of unknown outcome"),
    ]));
    if totals.flaky > 0 {
        let _ = write!(text, " ({} only when tried again)", units::number(totals.flaky));
    }
    if totals.retries > 0 {
        let _ = match totals.retries {
            1 => write!(text, ", 1 retry"),
            retries => write!(text, ", {} retries", units::number(retries)),
        };
    }
    let binaries = &report.run.binaries;
    let untold = report.run.tests.is_empty() || binaries.iter().any(Binary::is_bad_by_itself);
    if untold && !binaries.is_empty() {
        let ended = |outcome: Outcome| {
            let count = binaries.iter().filter(|binary| binary.outcome() == outcome).count();
            (count, outcome.name())
        };
        let of = count(binaries.len(), "test binary");
        let ends = [Outcome::Crashed, Outcome::Failed, Outcome::Unfinished, Outcome::Passed];
        let _ = write!(text, "; {of}{}", counted(ends.map(ended)));
    }
    if let Some(status) = report.run.exit_status.filter(|status| *status != 0) {
        let _ = write!(text, ", exit status {status}");
    }
    text
}

/// Formats counts as `: 1 failed, 2 passed`, without those that are 0.
fn counted<const N: usize>(counts: [(usize, &str); N]) -> String {
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> =
        counts.map(|(count, word)| format!("{} {word}", units::number(count))).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

/// Returns sentences about the machine and the load on it.
pub(crate) fn facts(report: &Report) -> Vec<String> {
    let totals = &report.totals;
    let mut facts: Vec<String> =
        report.machine().map(|machine| clean(&machine)).into_iter().collect();
    let mut parts = Vec::new();
    if let Some(testing) = totals.testing_s {
        parts.push(format!("tests ran for {}", seconds(testing)));
    }
    if report.run.tests.is_empty() {
        let figures = || report.run.binaries.iter().map(|binary| &binary.figures);
        if let Some(wall) = sum(figures().map(|figures| figures.duration_s)) {
            parts.push(format!("test binaries ran for {}", seconds(wall)));
        }
        if let Some(cpu) = sum(figures().map(Attempt::cpu_s)) {
            parts.push(format!("they used {} of CPU", seconds(cpu)));
        }
    }
    if let Some(cpu) = totals.cpu_s {
        let scope = if totals.cpu_is_whole { "" } else { " at least" };
        parts.push(format!("they used{scope} {} of CPU", seconds(cpu)));
    }
    if let Some(busy) = totals.machine_cpu {
        parts.push(format!("the machine's CPUs were {} busy", percent(busy)));
    }
    if let Some((least, _)) = totals.mem_available {
        parts.push(format!("at least {} of its memory stayed available", bytes(least)));
    }
    if !parts.is_empty() {
        facts.push(sentence(&parts.join(", ")));
    }
    facts
}

/// Returns the sum of the known figures; `None` if there are none.
fn sum(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    figures.flatten().reduce(|sum, figure| sum + figure)
}

/// Capitalizes the first letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Returns notes about unreadable lines, about parts of the run that are missing, and about test binaries that are not measured as requested.
pub(crate) fn notes(report: &Report) -> Vec<String> {
    let mut notes = unreadable(report);
    notes.extend(other_shards(report));
    for binary in &report.run.binaries {
        let (name, about) = (binary.name(), &binary.about);
        if let Some(why) = &about.not_instrumented {
            notes.push(format!("Not instrumented: {name}: {}", clean(why)));
        } else if let Some(why) = &about.heap_not_counted {
            notes.push(format!("Heap not counted: {name}: {}", clean(why)));
        }
    }
    if notes.len() > NOTES {
        let more = count(notes.len() - NOTES, "more note");
        notes.truncate(NOTES);
        notes.push(format!("And {more} of this kind"));
    }
    notes
}

/// The maximum number of notes; the rest is only counted.
const NOTES: usize = 10;

fn unreadable(report: &Report) -> Vec<String> {
    let unreadable = &report.unreadable;
    unreadable
        .first
        .iter()
        .map(|(place, why)| {
            let first =
                if unreadable.lines == 1 { String::new() } else { "the first, ".to_owned() };
            let verb = if unreadable.lines == 1 { "is" } else { "are" };
            format!(
                "{} of the {} {verb} left out: {first}{place}, is {}",
                count(unreadable.lines, "line"),
                if unreadable.of_several { "files" } else { "file" },
                clean(why)
            )
        })
        .collect()
}

/// Says how to show the parts of a CI run as one, if they were recorded as several.
fn other_shards(report: &Report) -> Option<String> {
    let others = report.earlier.iter().filter(|run| run.is_other_shard).count();
    (others > 0).then(|| {
        let counts = if others == 1 { "counts" } else { "count" };
        format!(
            "{} of the same GitHub run, on another machine, {counts} as earlier: set RESMON_RUN_ID to the same value \
             in all jobs to see them as one",
            count(others, "run")
        )
    })
}

/// Describes the end of a bad or flaky test.
pub(crate) fn end(test: &Test) -> String {
    let mut parts = Vec::new();
    parts.extend(test.signal().map(signal));
    if let Some(last) = test.attempts.last() {
        parts.extend(last.duration_s.map(|wall| format!("after {}", seconds(wall))));
        if last.attempt > 1 {
            let attempts = format!("attempt {}", last.attempt);
            parts.push(if test.outcome() == Outcome::Passed {
                format!("passed at {attempts}")
            } else {
                attempts
            });
        }
    }
    parts.join(", ")
}

/// Describes the end of a test binary in few words.
pub(crate) fn status(binary: &Binary) -> String {
    match (binary.figures.signal, binary.about.exit_status) {
        (Some(number), _) => signal(number),
        (None, Some(status)) if status != 0 => format!("exit status {status}"),
        _ => binary.outcome().name().to_owned(),
    }
}

/// Describes the end of a bad test binary.
pub(crate) fn end_of_binary(binary: &Binary) -> String {
    let status = (binary.outcome() != Outcome::Unfinished).then(|| status(binary));
    let wall = binary.figures.duration_s.map(|wall| format!("after {}", seconds(wall)));
    let parts = ["test binary".to_owned()].into_iter().chain(status).chain(wall);
    parts.collect::<Vec<_>>().join(", ")
}

/// Returns the heading of the list of the most expensive tests.
pub(crate) fn heading(measure: Measure) -> &'static str {
    match measure {
        Measure::Time => "Most time",
        Measure::Cpu => "Most CPU",
        Measure::Memory => "Most memory (of the process, at its highest)",
        Measure::Growth => "Most growth (of the process, from before the test to after)",
    }
}

/// Formats the cost of an attempt.
pub(crate) fn figure(measure: Measure, attempt: &Attempt) -> String {
    let figure = match measure {
        Measure::Time => attempt.duration_s.map(seconds),
        Measure::Cpu => attempt.cpu_s().map(seconds),
        Measure::Memory => attempt.rss_peak.map(bytes),
        Measure::Growth => attempt.growth().map(growth),
    };
    figure.unwrap_or_else(|| units::MISSING.to_owned())
}

/// Describes the context of a cost: related figures, and what else it includes.
pub(crate) fn context(report: &Report, measure: Measure, attempt: &Attempt) -> String {
    let shared = attempt.concurrent_tests.filter(|tests| *tests > 1);
    let shared = shared.map(|tests| format!("of the process, with {tests} tests at once"));
    let thread = (attempt.cpu_scope == Some(Scope::Thread)).then(|| "own thread only".to_owned());
    let parts = match measure {
        Measure::Time => [attempt.cpu_s().map(|cpu| format!("CPU {}", seconds(cpu))), thread],
        Measure::Cpu => [
            attempt.cpus().map(|cpus| {
                format!("{cpus:.1} CPUs for {}", seconds(attempt.duration_s.unwrap_or_default()))
            }),
            thread,
        ],
        Measure::Memory => [
            attempt.rss_peak.zip(report.memory()).map(|(peak, limit)| {
                format!("{} of {}", percent(float(peak) / float(limit) * 100.0), bytes(limit))
            }),
            shared,
        ],
        Measure::Growth => [attempt.rss_after.map(|after| format!("to {}", bytes(after))), shared],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
