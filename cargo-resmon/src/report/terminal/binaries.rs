//! The table of the test binaries, the slowest first.

use std::fmt::Write as _;

use super::columns::{Cell, Column, set};
use super::{BAR_FROM, BLUE, BOLD, DIM, Extent, PLAIN, bar, heading, is_narrow, style};
use crate::report::model::Report;
use crate::report::sentences::{self, figure};
use crate::report::test::Measure;
use crate::report::units;

/// The minimum width in columns for the column of memory.
const MEMORY_FROM: usize = 50;

pub(super) fn binaries(report: &Report, extent: Extent) -> String {
    let all = report.binaries();
    let shown = &all[..all.len().min(extent.top)];
    let Some(first) = shown.first() else { return String::new() };
    let most = first.figures.duration_s.filter(|most| *most > 0.0);
    let has_room = |least| extent.width.is_none_or(|width| width >= least);
    let (has_bars, has_cpu) = (has_room(BAR_FROM), !is_narrow(extent));
    let is_known = shown.iter().any(|binary| binary.figures.rss_peak.is_some());
    let has_memory = has_room(MEMORY_FROM) && is_known;
    let rows: Vec<_> = shown
        .iter()
        .map(|binary| {
            let figures = &binary.figures;
            let only_if = |shown: bool, text: String| if shown { text } else { String::new() };
            let share = figures.duration_s.zip(most).map(|(wall, most)| bar(wall / most));
            [
                Cell::new(BOLD, figure(Measure::Time, figures)),
                Cell::new(BLUE, only_if(has_bars, share.unwrap_or_default())),
                Cell::new(PLAIN, binary.name()),
                Cell::new(DIM, only_if(has_cpu, figure(Measure::Cpu, figures))),
                Cell::new(DIM, only_if(has_memory, figure(Measure::Memory, figures))),
                Cell::new(style(binary.outcome()), sentences::status(binary)),
            ]
        })
        .collect();
    let columns =
        [Column::Right, Column::Left, Column::Flexible, Column::Right, Column::Right, Column::Left];
    let words = match (has_cpu, has_memory) {
        (true, true) => "Test binaries (time, CPU, peak memory)",
        (true, false) => "Test binaries (time, CPU)",
        (false, true) => "Test binaries (time, peak memory)",
        (false, false) => "Test binaries (time)",
    };
    let mut text = heading(words) + &set(columns, &rows, extent.width);
    if all.len() > shown.len() {
        let more = units::number(all.len() - shown.len());
        let _ = writeln!(text, "  {DIM}and {more} more{DIM:#}");
    }
    text
}
