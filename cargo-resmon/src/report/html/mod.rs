//! The report as one self-contained HTML page.

mod binary;
mod chart;
mod data;
mod tile;
mod timeline;

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use self::binary::Row;
use self::chart::Chart;
use self::tile::{Tile, tiles};
use self::timeline::Timeline;
use super::model::Report;
use super::text::clean;
use super::units::seconds;
use super::wrong::{self, Wrong};
use super::{advice, build, death, sentences};

/// The widths of the two charts in pixels. The page shows the one that fits.
const WIDTHS: [u32; 2] = [1120, 400];
/// The maximum number of bad or flaky tests and binaries to list at the top.
const BAD: usize = 30;

const STYLE: &str = concat!(
    include_str!("page/base.css"),
    include_str!("page/panels.css"),
    include_str!("page/table.css"),
    include_str!("page/narrow.css"),
);
const SCRIPT: &str = concat!(
    include_str!("page/units.js"),
    include_str!("page/elements.js"),
    include_str!("page/tests.js"),
    include_str!("page/table.js"),
    include_str!("page/detail.js"),
    include_str!("page/timeline.js"),
    include_str!("page/start.js"),
);

/// The values for the template `page.html`.
#[derive(Serialize)]
struct Page {
    title: String,
    outcomes: String,
    machine: Option<String>,
    notes: Vec<String>,
    tiles: Vec<Tile>,
    bad: Vec<Bad>,
    /// The number of bad or flaky tests and binaries beyond [`BAD`].
    bad_more: usize,
    /// The process that died and the cause, in few words.
    deaths: Vec<build::Row>,
    /// Sentences about the memory and the disks of the run.
    facts: Vec<String>,
    advice: Vec<Line>,
    /// SVG, one for each of [`WIDTHS`].
    charts: Vec<String>,
    /// The length of the timeline.
    span: Option<String>,
    /// The number of lanes in the timeline.
    lanes: Option<usize>,
    binaries: Vec<Row>,
    build: Vec<build::Row>,
    style: &'static str,
    script: &'static str,
    /// JSON for the script.
    data: String,
    version: &'static str,
}

/// A bad or flaky test, or a bad test binary.
#[derive(Serialize)]
struct Bad {
    name: String,
    is_test: bool,
    word: &'static str,
    end: String,
}

/// A line of advice.
#[derive(Serialize)]
struct Line {
    test: Option<String>,
    text: String,
}

pub(crate) fn render(report: &Report) -> anyhow::Result<String> {
    let timeline = Timeline::of(report);
    let charts = match &timeline {
        Some(timeline) => WIDTHS
            .iter()
            .map(|width| Chart::draw(timeline, *width))
            .collect::<anyhow::Result<Vec<_>>>()?,
        None => Vec::new(),
    };
    let frames = charts.iter().map(|chart| chart.frame).collect();
    let all = wrong::of(report);
    let page = Page {
        title: sentences::title(report),
        outcomes: sentences::outcomes(report),
        machine: report.machine().map(|machine| clean(&machine)),
        notes: sentences::notes(report),
        tiles: tiles(report),
        bad_more: all.len().saturating_sub(BAD),
        bad: all.iter().take(BAD).map(Bad::new).collect(),
        deaths: death::all(report)
            .into_iter()
            .take(BAD)
            .map(|death| (death.name, death.killer.words()))
            .collect(),
        facts: death::facts(report),
        advice: advice::of(report).into_iter().map(Line::new).collect(),
        span: timeline.as_ref().map(|timeline| seconds(timeline.end)),
        lanes: timeline.as_ref().map(|timeline| timeline.lanes),
        binaries: report.binaries().into_iter().map(|binary| Row::new(report, binary)).collect(),
        build: build::rows(report),
        style: STYLE,
        script: SCRIPT,
        data: data::json(report, timeline.as_ref(), frames)?,
        charts: charts.into_iter().map(|chart| chart.svg).collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut environment = Environment::new();
    // The template's extension selects HTML escaping.
    environment.add_template("page.html", include_str!("page/page.html"))?;
    Ok(environment.get_template("page.html")?.render(Serde(page))? + "\n")
}

impl Bad {
    fn new(wrong: &Wrong<'_>) -> Self {
        let is_test = matches!(wrong, Wrong::Test(_));
        Self { name: wrong.name(), is_test, word: wrong.word(), end: wrong.end() }
    }
}

impl Line {
    fn new(advice: advice::Advice) -> Self {
        Self { test: advice.test.as_deref().map(clean), text: advice.text }
    }
}
