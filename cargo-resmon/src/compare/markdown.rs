//! The comparison in GitHub's Markdown: one table, for a job summary or a comment of a pull request.

use std::fmt::Write as _;

use super::comparison::{Change, Comparison, Kind, Rank};
use super::sentences::{self, KINDS};
use crate::report::markdown::{escape, name};
use crate::report::units;

/// The first line, by which a script finds the comment to edit.
const MARK: &str = "<!-- cargo-resmon compare -->\n";

/// The maximum size in bytes: GitHub takes no longer comment.
const LIMIT: usize = 65_536;
/// The size to leave for the last line.
const REST: usize = 200;

/// Renders the comparison, with at most `top` rows of each kind. Leaves out rows that would exceed [`LIMIT`].
pub(crate) fn render(comparison: &Comparison<'_>, top: usize) -> String {
    let mut text = head(comparison);
    let rows = rows(comparison, top);
    if !rows.is_empty() {
        text.push_str("\n| | test | metric | base | head | |\n|---|---|---|--:|--:|--:|\n");
    }
    let mut rows = rows.into_iter().peekable();
    while let Some(row) = rows.next_if(|row| text.len() + row.len() + REST < LIMIT) {
        text.push_str(&row);
    }
    let rest = rows.count() + left_out(comparison, top);
    if rest > 0 {
        let _ = writeln!(text, "\nand {} more", units::number(rest));
    }
    units::with_spaces(&text)
}

fn head(comparison: &Comparison<'_>) -> String {
    let title = match comparison.notable().iter().map(|(_, change)| change.rank()).min() {
        _ if comparison.is_worse() => "❌",
        Some(Rank::Fail | Rank::Warn | Rank::Worse) => "⚠️",
        _ if comparison.of_kind(Kind::NewlyFailing).next().is_some() => "⚠️",
        _ => "✅",
    };
    let mut head = format!("{MARK}### {title} {}\n\n", escape(&sentences::conclusion(comparison)));
    let sides = [("Base", comparison.base), ("head", comparison.head)];
    let sides = sides.map(|(word, side)| format!("{word} {}", sentences::side(side)));
    let _ =
        write!(head, "{}<br>{}", escape(&sides.join("; ")), escape(&sentences::tests(comparison)));
    for fact in sentences::facts(comparison) {
        let _ = write!(head, "<br>{}", escape(&fact));
    }
    head.push('\n');
    head
}

fn rows(comparison: &Comparison<'_>, top: usize) -> Vec<String> {
    let of_kinds = |kinds: &[Kind]| {
        let mut rows = Vec::new();
        for kind in kinds {
            let tests = comparison.of_kind(*kind).take(top);
            let word = sentences::word(*kind);
            rows.extend(tests.map(|test| format!("| {word} | {} | | | | |\n", name(&test.name))));
        }
        rows
    };
    let (bad, others) = KINDS.split_at(2);
    let mut rows = of_kinds(bad);
    for (test, change) in comparison.notable().into_iter().take(top) {
        let remark = sentences::remark(test, change);
        let remark = if remark.is_empty() { remark } else { format!("<br>{}", escape(&remark)) };
        let verdict = sentences::verdict(Some(test), change);
        rows.push(row(verdict, &format!("{}{remark}", name(&test.name)), change));
    }
    for total in &comparison.totals {
        let what = if total.change.metric.is_peak() { "most of a test" } else { "in total" };
        let tests = format!("*{what}, {}*", units::count(total.tests, "test"));
        rows.push(row(sentences::verdict(None, &total.change), &tests, &total.change));
    }
    rows.extend(of_kinds(others));
    rows
}

fn row(verdict: &str, test: &str, change: &Change) -> String {
    let (base, head) =
        (sentences::figure(change, change.base), sentences::figure(change, change.head));
    let (metric, increase) = (change.metric.title(), sentences::increase(change));
    format!("| {verdict} | {test} | {metric} | {base} | {head} | {increase} |\n")
}

/// Returns the number of rows beyond `top`.
fn left_out(comparison: &Comparison<'_>, top: usize) -> usize {
    let of_kinds = KINDS.map(|kind| comparison.of_kind(kind).count().saturating_sub(top));
    of_kinds.iter().sum::<usize>() + comparison.notable().len().saturating_sub(top)
}
