//! The report in GitHub's Markdown, for a job summary.

use std::fmt::Write as _;

use super::model::Report;
use super::sentences;
use super::test::Measure;
use super::text::{clean, shorten};
use super::{advice, build, death, units, wrong};

/// The maximum number of bad or flaky tests and binaries to list; the rest is only counted.
const BAD: usize = 50;
/// The maximum width of a name in columns.
const NAME: usize = 200;

/// The maximum size of a summary in bytes: GitHub shows no larger one.
pub(crate) const LIMIT: usize = 1 << 20;

/// Renders the report. Leaves out sections that would exceed [`LIMIT`].
pub(crate) fn render(report: &Report, top: usize) -> String {
    let sections = [head(report), bad(report), deaths(report), advices(report)].into_iter();
    let costs = Measure::ALL.into_iter().map(|measure| costs(report, measure, top.min(100)));
    let mut all = String::new();
    let binaries = std::iter::once_with(|| binaries(report, top.min(100)));
    for section in sections.chain(costs).chain(binaries).chain([built(report)]) {
        let section = units::with_spaces(&section);
        if all.len() + section.len() < LIMIT {
            all.push_str(&section);
        }
    }
    all
}

fn head(report: &Report) -> String {
    let mut head = format!("### {}\n\n", escape(&sentences::title(report)));
    let _ = write!(head, "{} {}", mark(report), escape(&sentences::outcomes(report)));
    for sentence in sentences::facts(report).into_iter().chain(sentences::notes(report)) {
        let _ = write!(head, "<br>{}", escape(&sentence));
    }
    head.push('\n');
    head
}

fn mark(report: &Report) -> &'static str {
    match report.is_bad() {
        true => "❌",
        false if report.totals.flaky > 0 => "⚠️",
        false => "✅",
    }
}

fn bad(report: &Report) -> String {
    let all = wrong::of(report);
    if all.is_empty() {
        return String::new();
    }
    let mut table = "\n| | test | |\n|---|---|---|\n".to_owned();
    for wrong in all.iter().take(BAD) {
        let (word, end) = (wrong.word(), escape(&wrong.end()));
        let _ = writeln!(table, "| {word} | {} | {end} |", name(&wrong.name()));
    }
    if all.len() > BAD {
        let _ = writeln!(table, "\nand {} more", units::number(all.len() - BAD));
    }
    table
}

fn deaths(report: &Report) -> String {
    let (all, facts) = (death::all(report), death::facts(report));
    if all.is_empty() && facts.is_empty() {
        return String::new();
    }
    let mut list = "\n**Why it died**\n\n".to_owned();
    for death in all.iter().take(BAD) {
        let _ = writeln!(list, "- {}: {}", name(&death.name), escape(&death.killer.words()));
    }
    for fact in facts {
        let _ = writeln!(list, "- {}", escape(&fact));
    }
    list
}

/// Renders a table of the figures of the build.
fn built(report: &Report) -> String {
    let rows = build::rows(report);
    if rows.is_empty() {
        return String::new();
    }
    let mut table = "\n<details><summary>Build</summary>\n\n| | |\n|--:|---|\n".to_owned();
    for (figure, what) in rows {
        let _ = writeln!(table, "| {figure} | {} |", escape(&what));
    }
    table.push_str("\n</details>\n");
    table
}

fn advices(report: &Report) -> String {
    let advice = advice::of(report);
    if advice.is_empty() {
        return String::new();
    }
    let mut list = "\n**Advice**\n\n".to_owned();
    for advice in advice {
        let subject = advice.test.map(|test| format!("{}: ", name(&test))).unwrap_or_default();
        let _ = writeln!(list, "- {subject}{}", escape(&advice.text));
    }
    list
}

/// Renders a table of the tests that cost most. The table of time is open, as most people look for it.
fn costs(report: &Report, measure: Measure, top: usize) -> String {
    let rows = report.top(measure, top);
    if rows.is_empty() {
        return String::new();
    }
    let open = if measure == Measure::Time { " open" } else { "" };
    let heading = sentences::heading(measure);
    let mut table = format!("\n<details{open}><summary>{heading}</summary>\n\n");
    table.push_str("| | test | |\n|--:|---|---|\n");
    for (test, attempt, _) in rows {
        let figure = sentences::figure(measure, attempt);
        let context = escape(&sentences::context(report, measure, attempt));
        let _ = writeln!(table, "| {figure} | {} | {context} |", name(&test.name()));
    }
    table.push_str("\n</details>\n");
    table
}

/// Renders a table of the test binaries, which is open if no tests are recorded.
fn binaries(report: &Report, top: usize) -> String {
    let binaries = report.binaries();
    if binaries.is_empty() || top == 0 {
        return String::new();
    }
    let open = if report.run.tests.is_empty() { " open" } else { "" };
    let mut table = format!("\n<details{open}><summary>Test binaries</summary>\n\n");
    table.push_str("| time | test binary | CPU | peak memory | |\n|--:|---|--:|--:|---|\n");
    for binary in binaries.iter().take(top) {
        let [time, cpu, memory] = [Measure::Time, Measure::Cpu, Measure::Memory]
            .map(|measure| sentences::figure(measure, &binary.figures));
        let (name, end) = (name(&binary.name()), sentences::status(binary));
        let _ = writeln!(table, "| {time} | {name} | {cpu} | {memory} | {end} |");
    }
    if binaries.len() > top {
        let _ = writeln!(table, "\nand {} more", units::number(binaries.len() - top));
    }
    table.push_str("\n</details>\n");
    table
}

/// Formats a test id as code. Uses HTML tags rather than backticks, which a name may contain.
pub(crate) fn name(id: &str) -> String {
    format!("<code>{}</code>", escape(&shorten(&clean(id), NAME)))
}

/// Escapes HTML and Markdown in a text. Uses character references, which work everywhere, also in table cells. An
/// underscore within a word has no meaning, so it stays readable.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_word = false;
    while let Some(c) = chars.next() {
        let special = match c {
            '_' => !in_word || !chars.peek().is_some_and(|next| next.is_alphanumeric()),
            c => "&<>\"|`*~\\[]#@$!".contains(c),
        };
        if special {
            let _ = write!(escaped, "&#{};", u32::from(c));
        } else {
            escaped.push(c);
        }
        in_word = c.is_alphanumeric();
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_means_something_in_markdown_is_escaped() {
        assert_eq!(escape("tests/a.rs::keeps_a_word"), "tests/a.rs::keeps_a_word");
        assert_eq!(escape("_a_ a__b"), "&#95;a&#95; a&#95;&#95;b");
        assert_eq!(escape("a|b`<i>&*"), "a&#124;b&#96;&#60;i&#62;&#38;&#42;");
    }
}
