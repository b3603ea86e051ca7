//! The figures at the top of the page.

use serde::Serialize;

use crate::report::model::Report;
use crate::report::units::{self, bytes, count, float, percent, seconds};

/// A figure with its name and a note.
#[derive(Serialize)]
pub(super) struct Tile {
    name: &'static str,
    value: String,
    note: String,
    /// A class of `page/panels.css`: `good`, `bad` or `fine`.
    tone: &'static str,
}

pub(super) fn tiles(report: &Report) -> Vec<Tile> {
    let totals = &report.totals;
    let missing = || units::MISSING.to_owned();
    let bad = report.bad_count();
    let tests = report.run.tests.len();
    let outcome = if tests == 0 {
        (units::number(tests), "none is recorded", "fine")
    } else if bad > 0 {
        (format!("{} of {}", units::number(bad), units::number(tests)), "went wrong", "bad")
    } else if totals.unknown > 0 {
        (units::number(tests), "none went wrong", "fine")
    } else {
        (units::number(tests), "all passed", "good")
    };
    let flaky = match totals.flaky {
        0 => String::new(),
        flaky => format!(", {} flaky", units::number(flaky)),
    };
    let mut tiles = vec![Tile {
        name: "Tests",
        value: outcome.0,
        note: format!("{}{flaky}", outcome.1),
        tone: outcome.2,
    }];
    tiles.extend(binaries(report));
    tiles.extend([
        Tile {
            name: "Time",
            value: report.run.seconds().map_or_else(missing, seconds),
            note: totals
                .testing_s
                .map(|testing| format!("tests ran for {}", seconds(testing)))
                .unwrap_or_default(),
            tone: "fine",
        },
        Tile {
            name: "Machine’s CPU",
            value: totals
                .machine_cpu
                .map_or_else(missing, |busy| format!("{} busy", percent(busy))),
            note: totals
                .cpu_s
                .map(|cpu| {
                    let least = if totals.cpu_is_whole { "" } else { "at least " };
                    format!("{least}{} by tests", seconds(cpu))
                })
                .unwrap_or_default(),
            tone: "fine",
        },
    ]);
    let total = report.run.of_all_machines(|machine| machine.mem_total_bytes);
    let low = |(least, _): (i64, usize)| total.is_some_and(|all| float(least) < float(all) * 0.05);
    tiles.push(Tile {
        name: "Machine’s memory",
        value: totals
            .mem_available
            .map_or_else(missing, |(least, _)| format!("{} left", bytes(least))),
        note: total.map(|total| format!("at its lowest, of {}", bytes(total))).unwrap_or_default(),
        tone: if totals.mem_available.is_some_and(low) { "bad" } else { "fine" },
    });
    if let Some((used, free)) = totals.disk {
        tiles.push(Tile {
            name: "Disk",
            value: format!("{} full", percent(used)),
            note: free.map(|free| format!("{} free", bytes(free))).unwrap_or_default(),
            tone: if used >= 95.0 { "bad" } else { "fine" },
        });
    }
    let earlier = report.earlier.len();
    if earlier > 0 {
        let last = &report.earlier[0];
        tiles.push(Tile {
            name: "Before",
            value: count(earlier, "run"),
            note: last
                .seconds
                .map(|took| format!("the last took {}", seconds(took)))
                .unwrap_or_default(),
            tone: "fine",
        });
    }
    tiles
}

/// Returns the tile of the test binaries, if any is recorded.
fn binaries(report: &Report) -> Option<Tile> {
    let binaries = &report.run.binaries;
    let all = units::number(binaries.len());
    let bad = binaries.iter().filter(|binary| binary.outcome().is_bad()).count();
    let name = "Test binaries";
    (!binaries.is_empty()).then(|| match bad {
        0 => Tile { name, value: all, note: "all passed".to_owned(), tone: "good" },
        bad => Tile {
            name,
            value: format!("{} of {all}", units::number(bad)),
            note: "went wrong".to_owned(),
            tone: "bad",
        },
    })
}
