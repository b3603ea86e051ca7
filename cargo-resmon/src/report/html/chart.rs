//! The timeline as SVG. The colours are those of light mode. `page/panels.css` selects elements by these colours and
//! replaces them by those of `page/base.css`, which has a dark mode.

use anyhow::anyhow;
use plotters::prelude::*;
use serde::Serialize;

use super::timeline::{Bar, Timeline};
use crate::outcome::Outcome;

const GRID: RGBColor = RGBColor(0xE2, 0xE8, 0xF0);
const WORDS: RGBColor = RGBColor(0x47, 0x55, 0x69);
const CPU: RGBColor = RGBColor(0x25, 0x63, 0xEB);
const MEMORY: RGBColor = RGBColor(0xC0, 0x26, 0xD3);
const PASSED: RGBColor = RGBColor(0x0D, 0x94, 0x88);
const BAD: RGBColor = RGBColor(0xDC, 0x26, 0x26);
const UNFINISHED: RGBColor = RGBColor(0xD9, 0x77, 0x06);
const UNKNOWN: RGBColor = RGBColor(0x64, 0x74, 0x8B);

/// The height of the plot of CPU and memory in pixels, with its margins.
const CURVES: u32 = 150;
/// The width of the labels at its left in pixels.
const LEFT: u32 = 46;
/// The height of the time labels in pixels.
const BELOW: u32 = 26;
const RIGHT: u32 = 14;

/// A chart of a given width.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) svg: String,
    pub(super) frame: Frame,
}

/// The positions of the parts of a chart in pixels.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Frame {
    width: u32,
    height: u32,
    left: u32,
    right: u32,
    /// The upper edge of the first lane.
    top: u32,
    lane: u32,
}

impl Frame {
    fn new(width: u32, lanes: usize) -> Self {
        let lanes = u32::try_from(lanes.max(1)).unwrap_or(u32::MAX);
        let lane = (240 / lanes).clamp(6, 18);
        let height = CURVES + lanes * lane + BELOW;
        Self { width, height, left: LEFT, right: width - RIGHT, top: CURVES, lane }
    }

    /// Returns the number of seconds per pixel.
    fn pixel(&self, timeline: &Timeline) -> f64 {
        timeline.end / f64::from(self.right - self.left)
    }
}

impl Chart {
    pub(super) fn draw(timeline: &Timeline, width: u32) -> anyhow::Result<Self> {
        let frame = Frame::new(width, timeline.lanes);
        let mut svg = String::new();
        draw(timeline, &frame, &mut svg).map_err(|error| anyhow!("cannot draw: {error}"))?;
        Ok(Self { svg, frame })
    }
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(timeline: &Timeline, frame: &Frame, svg: &mut String) -> Drawn {
    let root = SVGBackend::with_string(svg, (frame.width, frame.height)).into_drawing_area();
    let (curves, lanes) = root.split_vertically(frame.top);
    draw_curves(timeline, &curves)?;
    draw_lanes(timeline, frame, &lanes)?;
    root.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_curves(timeline: &Timeline, area: &Area<'_>) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin_top(10)
        .margin_bottom(14)
        .margin_right(RIGHT)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..timeline.end, 0.0..100.0)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .y_labels(5)
        .y_label_formatter(&|percent| format!("{percent:.0} %"))
        .label_style(("sans-serif", 14).into_font().color(&WORDS))
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()?;
    let cpu = timeline.cpu.iter().copied();
    chart.draw_series(AreaSeries::new(cpu.clone(), 0.0, CPU.mix(0.15)))?;
    chart.draw_series(LineSeries::new(cpu, CPU.stroke_width(2)))?;
    chart.draw_series(LineSeries::new(timeline.memory.iter().copied(), MEMORY.stroke_width(2)))?;
    Ok(())
}

fn draw_lanes(timeline: &Timeline, frame: &Frame, area: &Area<'_>) -> Drawn {
    #[allow(clippy::cast_precision_loss, reason = "there are few lanes")]
    let lanes = timeline.lanes.max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_right(RIGHT)
        .margin_left(LEFT)
        .x_label_area_size(BELOW)
        .build_cartesian_2d(0.0..timeline.end, lanes..0.0)?;
    let long = timeline.end >= 120.0;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(if frame.width < 600 { 4 } else { 10 })
        .x_label_formatter(&|seconds| label(*seconds, long))
        .label_style(("sans-serif", 14).into_font().color(&WORDS))
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()?;
    let pixel = frame.pixel(timeline);
    let blocks = blocks(&timeline.bars, pixel);
    chart.draw_series(blocks.iter().map(|block| {
        #[allow(clippy::cast_precision_loss, reason = "there are few lanes")]
        let top = block.lane as f64;
        let end = block.end.max(block.start + pixel);
        let gap = 1.0 / f64::from(frame.lane);
        Rectangle::new(
            [(block.start, top + gap), (end, top + 1.0 - gap)],
            color(block.outcome).filled(),
        )
    }))?;
    Ok(())
}

/// Formats a time on the axis. `long` axes have minutes.
fn label(seconds: f64, long: bool) -> String {
    if long {
        let minutes = (seconds / 60.0).floor();
        format!("{minutes:.0}:{:02.0} min", seconds - minutes * 60.0)
    } else if seconds > 0.0 && seconds < 1.0 {
        format!("{} ms", (seconds * 1e6).round() / 1e3)
    } else {
        format!("{} s", (seconds * 1e3).round() / 1e3)
    }
}

fn color(outcome: Outcome) -> RGBColor {
    match outcome {
        Outcome::Crashed | Outcome::Failed => BAD,
        Outcome::Unfinished => UNFINISHED,
        Outcome::Passed => PASSED,
        Outcome::Unknown => UNKNOWN,
    }
}

/// One or more bars that are drawn as one.
struct Block {
    start: f64,
    end: f64,
    lane: usize,
    outcome: Outcome,
    /// Whether more bars may be added.
    open: bool,
}

/// Joins adjacent bars that are too narrow to be seen alone, which keeps the SVG small. Bars of different outcomes are
/// not joined, so that no failure is hidden.
fn blocks(bars: &[Bar], pixel: f64) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut last: Vec<Option<usize>> = Vec::new();
    for bar in bars {
        last.resize(last.len().max(bar.lane + 1), None);
        let narrow = bar.end - bar.start < 3.0 * pixel;
        if let Some(block) = last[bar.lane].map(|place| &mut blocks[place])
            && block.open
            && narrow
            && block.outcome == bar.outcome
            && bar.start - block.end < pixel
        {
            block.end = block.end.max(bar.end);
            continue;
        }
        last[bar.lane] = Some(blocks.len());
        // A gap of one pixel separates neighbours.
        let end = if narrow { bar.end } else { bar.end - pixel };
        let (start, lane, outcome) = (bar.start, bar.lane, bar.outcome);
        blocks.push(Block { start, end, lane, outcome, open: narrow });
    }
    // Bad outcomes are drawn last, so that nothing covers them.
    blocks.sort_by_key(|block| std::cmp::Reverse(block.outcome));
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_short_tests_are_few_blocks_and_none_hides_a_failure() {
        let bars: Vec<_> = (0..20_000)
            .map(|number| Bar {
                of: (number, 0),
                start: f64::from(u32::try_from(number).unwrap()) * 0.005,
                end: f64::from(u32::try_from(number).unwrap()) * 0.005 + 0.004,
                lane: 0,
                outcome: if number == 9_000 { Outcome::Failed } else { Outcome::Passed },
            })
            .collect();
        let blocks = blocks(&bars, 0.1);
        assert_eq!(blocks.len(), 3);
        let failed = blocks.last().unwrap();
        assert_eq!(failed.outcome, Outcome::Failed);
        assert!((failed.start - 45.0).abs() < 1e-9);
    }

    #[test]
    fn the_axis_has_seconds_or_minutes() {
        assert_eq!(label(20.0, false), "20 s");
        assert_eq!(label(0.25, false), "250 ms");
        assert_eq!(label(2.5, false), "2.5 s");
        assert_eq!(label(200.0, true), "3:20 min");
    }
}
