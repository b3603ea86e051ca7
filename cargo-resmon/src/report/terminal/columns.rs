//! Tables of aligned columns.

use std::fmt::Write as _;

use anstyle::Style;

use crate::report::text::{shorten, width};

/// A text in a style.
#[derive(Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style }
    }
}

/// The alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Left,
    Right,
    /// Left-aligned, and shortened if the row would be too wide. A table has one such column.
    Flexible,
}

/// Formats the rows, indented by two spaces, with two spaces between columns. Without a width nothing is shortened.
pub(crate) fn set<const N: usize>(
    columns: [Column; N],
    rows: &[[Cell; N]],
    line: Option<usize>,
) -> String {
    let widest = |column: usize| rows.iter().map(|row| width(&row[column].text)).max();
    let mut widths: [usize; N] = std::array::from_fn(|column| widest(column).unwrap_or_default());
    if let Some(line) = line {
        let gaps = 2 * widths.iter().filter(|width| **width > 0).count();
        for (index, column) in columns.iter().enumerate() {
            if *column == Column::Flexible {
                let others: usize = widths.iter().sum::<usize>() - widths[index];
                widths[index] = widths[index].min(line.saturating_sub(others + gaps)).max(8);
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let start = text.len();
        for ((cell, column), columns) in row.iter().zip(columns).zip(widths) {
            if columns > 0 {
                text.push_str("  ");
                push(&mut text, cell, column, columns);
            }
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
    text
}

fn push(text: &mut String, cell: &Cell, column: Column, columns: usize) {
    let short = shorten(&cell.text, columns);
    let space = " ".repeat(columns.saturating_sub(width(&short)));
    let style = cell.style;
    if column == Column::Right {
        text.push_str(&space);
    }
    if !short.is_empty() {
        let _ = write!(text, "{style}{short}{style:#}");
    }
    if column != Column::Right {
        text.push_str(&space);
    }
}
