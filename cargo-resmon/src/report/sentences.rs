//! What is said of a run in words, the same in every form of the report.

use std::fmt::Write as _;

use super::model::Report;
use super::outcome::{Outcome, signal};
use super::record::{Attempt, Scope};
use super::test::{Measure, Test};
use super::text::clean;
use super::units::{self, bytes, count, float, growth, percent, seconds};

/// What, when and how long.
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

/// How many tests ended how.
pub(crate) fn outcomes(report: &Report) -> String {
    let totals = &report.totals;
    let parts: Vec<_> = [
        (totals.crashed, "crashed"),
        (totals.failed, "failed"),
        (totals.unfinished, "unfinished"),
        (totals.passed, "passed"),
        (totals.unknown, "of unknown outcome"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{} {word}", units::number(count)))
    .collect();
    let mut text = count(report.run.tests.len(), "test");
    if !parts.is_empty() {
        let _ = write!(text, ": {}", parts.join(", "));
    }
    if totals.flaky > 0 {
        let _ = write!(text, " ({} only when tried again)", units::number(totals.flaky));
    }
    if totals.retries > 0 {
        let _ = match totals.retries {
            1 => write!(text, ", 1 retry"),
            retries => write!(text, ", {} retries", units::number(retries)),
        };
    }
    if let Some(status) = report.run.exit_status.filter(|status| *status != 0) {
        let _ = write!(text, ", exit status {status}");
    }
    text
}

/// The machine, and what the run did to it.
pub(crate) fn facts(report: &Report) -> Vec<String> {
    let totals = &report.totals;
    let mut facts: Vec<String> =
        report.machine().map(|machine| clean(&machine)).into_iter().collect();
    let mut parts = Vec::new();
    if let Some(testing) = totals.testing_s {
        parts.push(format!("tests ran for {}", seconds(testing)));
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

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// What is to be known of the file.
pub(crate) fn notes(report: &Report) -> Vec<String> {
    let unreadable = &report.unreadable;
    unreadable
        .first
        .iter()
        .map(|(line, why)| {
            let first =
                if unreadable.lines == 1 { String::new() } else { "the first, ".to_owned() };
            let verb = if unreadable.lines == 1 { "is" } else { "are" };
            format!(
                "{} of the file {verb} left out: {first}line {line}, is {}",
                count(unreadable.lines, "line"),
                clean(why)
            )
        })
        .collect()
}

/// How a test ended that somebody should look at.
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

/// What the most expensive tests are listed under.
pub(crate) fn heading(measure: Measure) -> &'static str {
    match measure {
        Measure::Time => "Most time",
        Measure::Cpu => "Most CPU",
        Measure::Memory => "Most memory (of the process, at its highest)",
        Measure::Growth => "Most growth (of the process, from before the test to after)",
    }
}

/// What an attempt cost.
pub(crate) fn figure(measure: Measure, attempt: &Attempt) -> String {
    let figure = match measure {
        Measure::Time => attempt.duration_s.map(seconds),
        Measure::Cpu => attempt.cpu_s().map(seconds),
        Measure::Memory => attempt.rss_peak.map(bytes),
        Measure::Growth => attempt.growth().map(growth),
    };
    figure.unwrap_or_else(|| units::MISSING.to_owned())
}

/// What helps to judge that, and what else is in it.
pub(crate) fn context(report: &Report, measure: Measure, attempt: &Attempt) -> String {
    let shared = attempt.concurrent_tests.filter(|tests| *tests > 1).map(|tests| match tests - 1 {
        1 => "with 1 other test".to_owned(),
        others => format!("with {others} other tests"),
    });
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
