//! The comparison for a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::comparison::{Change, Comparison, Kind, Rank, TestChange};
use super::sentences::{self, KINDS};
use crate::report::terminal::columns::{Cell, Column, set};
use crate::report::units;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Renders the comparison with ANSI escape sequences for its styles. `width` is that of the terminal in columns, `top`
/// the maximum number of rows of each list.
pub(crate) fn render(comparison: &Comparison<'_>, width: Option<usize>, top: usize) -> String {
    let mut text = head(comparison, width);
    text.push_str(&totals(comparison, width));
    text.push_str(&changes(comparison, width, top));
    text.push_str(&outcomes(comparison, width, top));
    units::with_spaces(&text)
}

fn head(comparison: &Comparison<'_>, width: Option<usize>) -> String {
    let mut text = String::new();
    line(&mut text, width, PLAIN, &format!("Base {}", sentences::side(comparison.base)));
    line(&mut text, width, PLAIN, &format!("Head {}", sentences::side(comparison.head)));
    line(&mut text, width, PLAIN, &sentences::tests(comparison));
    let rank = comparison.notable().iter().map(|(_, change)| change.rank()).min();
    let style = if comparison.is_worse() {
        RED
    } else if rank.is_some_and(|rank| rank < Rank::Better) {
        YELLOW
    } else {
        GREEN
    };
    line(&mut text, width, style, &sentences::conclusion(comparison));
    for fact in sentences::facts(comparison) {
        line(&mut text, width, DIM, &fact);
    }
    text
}

fn totals(comparison: &Comparison<'_>, width: Option<usize>) -> String {
    if comparison.totals.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = comparison
        .totals
        .iter()
        .map(|total| {
            let change = &total.change;
            let title = change.metric.title();
            let what = if change.metric.is_peak() { "most of a test, " } else { "" };
            [
                Cell::new(PLAIN, title),
                Cell::new(PLAIN, sentences::figure(change, change.base)),
                Cell::new(DIM, "→"),
                Cell::new(PLAIN, sentences::figure(change, change.head)),
                Cell::new(style(None, change), sentences::increase(change)),
                Cell::new(style(None, change), sentences::verdict(None, change)),
                Cell::new(DIM, format!("{what}{}", units::count(total.tests, "test"))),
            ]
        })
        .collect();
    let columns = [
        Column::Left,
        Column::Right,
        Column::Left,
        Column::Right,
        Column::Right,
        Column::Left,
        Column::Flexible,
    ];
    heading("In total") + &set(columns, &rows, width)
}

fn changes(comparison: &Comparison<'_>, width: Option<usize>, top: usize) -> String {
    let notable = comparison.notable();
    if notable.is_empty() {
        return String::new();
    }
    let is_narrow = width.is_some_and(|width| width < 100);
    let row = |(test, change): &(&TestChange, &Change)| {
        let style = style(Some(test), change);
        let remark = if is_narrow { String::new() } else { sentences::remark(test, change) };
        [
            Cell::new(style, sentences::verdict(Some(test), change)),
            Cell::new(PLAIN, change.metric.title()),
            Cell::new(style, sentences::increase(change)),
            Cell::new(PLAIN, sentences::from_to(change)),
            Cell::new(BOLD, test.name.as_str()),
            Cell::new(DIM, remark),
        ]
    };
    let rows: Vec<_> = notable.iter().take(top).map(row).collect();
    let columns =
        [Column::Left, Column::Left, Column::Right, Column::Left, Column::Flexible, Column::Left];
    heading("Changes") + &set(columns, &rows, width) + &more(notable.len(), top)
}

fn outcomes(comparison: &Comparison<'_>, width: Option<usize>, top: usize) -> String {
    let mut rows = Vec::new();
    let mut rest = 0;
    for kind in KINDS {
        let tests: Vec<_> = comparison.of_kind(kind).collect();
        rest += tests.len().saturating_sub(top);
        let style = match kind {
            Kind::NewlyFailing => RED,
            Kind::NewlyFlaky => YELLOW,
            Kind::Fixed => GREEN,
            Kind::New | Kind::Gone => DIM,
        };
        let row = |test: &&TestChange| {
            [Cell::new(style, sentences::word(kind)), Cell::new(PLAIN, test.name.as_str())]
        };
        rows.extend(tests.iter().take(top).map(row));
    }
    if rows.is_empty() {
        return String::new();
    }
    let table = set([Column::Left, Column::Flexible], &rows, width);
    heading("Tests") + &table + &more(rest, 0)
}

fn more(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        rest => format!("  {DIM}and {} more{DIM:#}\n", units::number(rest)),
    }
}

fn style(test: Option<&TestChange>, change: &Change) -> Style {
    if test.is_some_and(|test| test.mute.is_some()) {
        return DIM;
    }
    match change.rank() {
        Rank::Fail => RED,
        Rank::Warn | Rank::Worse => YELLOW,
        Rank::Better => GREEN,
        Rank::LooksWorse | Rank::None => DIM,
    }
}

fn heading(words: &str) -> String {
    format!("\n{BOLD}{words}{BOLD:#}\n")
}

fn line(text: &mut String, width: Option<usize>, style: Style, sentence: &str) {
    let parts = match width {
        Some(width) => textwrap::wrap(sentence, width.max(16)),
        None => vec![sentence.into()],
    };
    for part in parts {
        let _ = writeln!(text, "{style}{part}{style:#}");
    }
}
