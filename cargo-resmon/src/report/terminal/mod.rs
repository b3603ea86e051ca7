//! The report for a terminal.

mod binaries;
pub(crate) mod columns;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use self::columns::{Cell, Column, set};
use super::model::Report;
use super::sentences;
use super::test::Measure;
use super::text::{clean, shorten};
use super::{advice, build, death, units, wrong};
use crate::outcome::Outcome;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const BLUE: Style = AnsiColor::Cyan.on_default();

/// The maximum number of bad or flaky tests and binaries to list; the rest is only counted.
const BAD: usize = 20;
/// The width of a full bar in columns.
const BAR: u8 = 10;
/// The minimum width of the terminal in columns for bars.
const BAR_FROM: usize = 80;

/// The extent of the report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// The width of the terminal in columns; `None` if nothing needs to be shortened.
    pub(crate) width: Option<usize>,
    /// The number of tests to list by each measure, and of test binaries.
    pub(crate) top: usize,
    pub(crate) measures: &'static [Measure],
}

/// Renders the report with ANSI escape sequences for its styles.
pub(crate) fn render(report: &Report, extent: Extent) -> String {
    let mut text = head(report, extent);
    text.push_str(&bad(report, extent));
    text.push_str(&deaths(report, extent));
    for measure in extent.measures {
        text.push_str(&top(report, *measure, extent));
    }
    text.push_str(&binaries::binaries(report, extent));
    text.push_str(&built(report, extent));
    text.push_str(&advices(report, extent));
    units::with_spaces(&text)
}

fn head(report: &Report, extent: Extent) -> String {
    let mut text = String::new();
    line(&mut text, extent, BOLD, &sentences::title(report));
    let style = if report.is_bad() {
        RED
    } else if report.totals.flaky > 0 {
        YELLOW
    } else {
        GREEN
    };
    line(&mut text, extent, style, &sentences::outcomes(report));
    for sentence in sentences::facts(report) {
        line(&mut text, extent, DIM, &sentence);
    }
    for note in sentences::notes(report) {
        line(&mut text, extent, YELLOW, &note);
    }
    text
}

fn bad(report: &Report, extent: Extent) -> String {
    let all = wrong::of(report);
    if all.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = all
        .iter()
        .take(BAD)
        .map(|wrong| {
            // A flaky test has passed.
            let style =
                if wrong.outcome() == Outcome::Passed { YELLOW } else { style(wrong.outcome()) };
            [
                Cell::new(style, wrong.word()),
                Cell::new(PLAIN, wrong.name()),
                Cell::new(DIM, if is_narrow(extent) { String::new() } else { wrong.end() }),
            ]
        })
        .collect();
    let mut text = heading("Look at these first");
    text.push_str(&set([Column::Left, Column::Flexible, Column::Left], &rows, extent.width));
    if all.len() > BAD {
        let _ = writeln!(text, "  {DIM}and {} more{DIM:#}", units::number(all.len() - BAD));
    }
    text
}

fn deaths(report: &Report, extent: Extent) -> String {
    let (all, facts) = (death::all(report), death::facts(report));
    if all.is_empty() && facts.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = all
        .iter()
        .take(BAD)
        .map(|death| [Cell::new(PLAIN, death.name.clone()), Cell::new(RED, death.killer.words())])
        .collect();
    let mut text = heading("Why it died");
    text.push_str(&set([Column::Flexible, Column::Left], &rows, extent.width));
    let width = extent.width.map(|width| width.saturating_sub(2));
    for part in facts.iter().flat_map(|fact| wrap(fact, width)) {
        let _ = writeln!(text, "  {DIM}{part}{DIM:#}");
    }
    text
}

fn built(report: &Report, extent: Extent) -> String {
    let rows = build::rows(report).into_iter();
    let rows: Vec<_> =
        rows.map(|(figure, what)| [Cell::new(BOLD, figure), Cell::new(PLAIN, what)]).collect();
    if rows.is_empty() {
        return String::new();
    }
    heading("Build") + &set([Column::Right, Column::Flexible], &rows, extent.width)
}

fn advices(report: &Report, extent: Extent) -> String {
    let advice = advice::of(report);
    if advice.is_empty() {
        return String::new();
    }
    let mut text = heading("Advice");
    let width = extent.width.map(|width| width.saturating_sub(4));
    for advice in advice {
        let subject = advice.test.map(|test| {
            let id = clean(&test);
            width.map_or(id.clone(), |width| shorten(&id, width))
        });
        let sentence = wrap(&advice.text, width);
        for (index, part) in subject.iter().chain(&sentence).enumerate() {
            let mark = if index == 0 { '!' } else { ' ' };
            let _ = writeln!(text, "  {YELLOW}{mark}{YELLOW:#} {part}");
        }
    }
    text
}

fn top(report: &Report, measure: Measure, extent: Extent) -> String {
    let top = report.top(measure, extent.top);
    let Some((.., most)) = top.first() else { return String::new() };
    let rows: Vec<_> = top
        .iter()
        .map(|(test, attempt, value)| {
            let bar = if extent.width.is_some_and(|width| width < BAR_FROM) {
                String::new()
            } else {
                bar(value / most)
            };
            let context = if is_narrow(extent) {
                String::new()
            } else {
                sentences::context(report, measure, attempt)
            };
            [
                Cell::new(BOLD, sentences::figure(measure, attempt)),
                Cell::new(BLUE, bar),
                Cell::new(PLAIN, test.name()),
                Cell::new(DIM, context),
            ]
        })
        .collect();
    let columns = [Column::Right, Column::Left, Column::Flexible, Column::Left];
    let words = match extent.width {
        Some(width) => shorten(sentences::heading(measure), width),
        None => sentences::heading(measure).to_owned(),
    };
    heading(&words) + &set(columns, &rows, extent.width)
}

fn is_narrow(extent: Extent) -> bool {
    extent.width.is_some_and(|width| width < 72)
}

fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Crashed | Outcome::Failed => RED,
        Outcome::Unfinished => YELLOW,
        Outcome::Passed | Outcome::Unknown => GREEN,
    }
}

fn heading(words: &str) -> String {
    format!("\n{BOLD}{words}{BOLD:#}\n")
}

fn line(text: &mut String, extent: Extent, style: Style, sentence: &str) {
    for part in wrap(sentence, extent.width) {
        let _ = writeln!(text, "{style}{part}{style:#}");
    }
}

fn wrap(sentence: &str, width: Option<usize>) -> Vec<String> {
    match width {
        Some(width) => {
            textwrap::wrap(sentence, width.max(16)).into_iter().map(Into::into).collect()
        }
        None => vec![sentence.to_owned()],
    }
}

/// Draws a bar of block characters, exact to an eighth of a column.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 80")]
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * f64::from(BAR * 8)).round().max(1.0) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}
