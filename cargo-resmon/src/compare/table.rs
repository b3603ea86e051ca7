//! The tests of all runs side by side: one row for each test, one cell for each run.

use std::collections::HashMap;

use super::metric::{Coverage, Metric};
use crate::outcome::Outcome;
use crate::record::Attempt;
use crate::report::run::Run;
use crate::report::test::{Key, Test};
use crate::report::text::clean;

/// A figure with the part of the process that it covers.
pub(super) type Figure = (f64, Coverage);

/// A test with its results in all runs.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: Key,
    /// Its id, with the target if other tests have the same id.
    pub(super) name: String,
    /// One cell for each run; `None` if the run has no such test.
    pub(super) cells: Vec<Option<Cell>>,
}

/// The result of a test in a run.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) outcome: Outcome,
    pub(super) is_flaky: bool,
    /// The figures in the order of [`Metric::ALL`]: the greatest of the attempts that did not fail. A test that fails
    /// may have ended early.
    figures: [Option<Figure>; Metric::ALL.len()],
}

impl Row {
    /// Returns a figure in each run, regardless of what it covers.
    pub(super) fn figures(&self, metric: Metric) -> impl Iterator<Item = Option<Figure>> + '_ {
        self.cells.iter().map(move |cell| cell.as_ref()?.figures[metric as usize])
    }
}

impl Cell {
    fn of(test: &Test) -> Self {
        let complete: Vec<&Attempt> =
            test.attempts.iter().filter(|attempt| !attempt.outcome.is_bad()).collect();
        let figure = |metric: Metric| {
            let figures = complete.iter().filter_map(|attempt| metric.of(attempt));
            figures.max_by(|(one, _), (other, _)| one.total_cmp(other))
        };
        Self {
            outcome: test.outcome(),
            is_flaky: test.is_flaky(),
            figures: Metric::ALL.map(figure),
        }
    }
}

/// Builds the rows, in the order of the tests' first records.
pub(super) fn rows<'a>(runs: impl ExactSizeIterator<Item = &'a Run>) -> Vec<Row> {
    let count = runs.len();
    let mut rows: Vec<Row> = Vec::new();
    let mut places: HashMap<Key, usize> = HashMap::new();
    for (run, tests) in runs.map(|run| &run.tests).enumerate() {
        for test in tests {
            let place = *places.entry(test.key.clone()).or_insert_with(|| {
                rows.push(Row {
                    key: test.key.clone(),
                    name: String::new(),
                    cells: vec![None; count],
                });
                rows.len() - 1
            });
            rows[place].cells[run] = Some(Cell::of(test));
        }
    }
    let mut rows = joined(rows);
    let mut ids: HashMap<&str, usize> = HashMap::new();
    for row in &rows {
        *ids.entry(&row.key.id).or_default() += 1;
    }
    let names: Vec<_> =
        rows.iter().map(|row| name(&row.key, ids[row.key.id.as_str()] > 1)).collect();
    for (row, name) in rows.iter_mut().zip(names) {
        row.name = name;
    }
    rows
}

fn name(key: &Key, shares_id: bool) -> String {
    let id = clean(&key.id);
    match &key.target {
        Some(target) if shares_id => format!("{id} ({})", clean(target)),
        _ => id,
    }
}

/// Joins two rows of an id if one of them has no package or no target, as in records of earlier versions and of other
/// programs, and if no run has both.
fn joined(rows: Vec<Row>) -> Vec<Row> {
    let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        by_id.entry(row.key.id.clone()).or_default().push(place);
    }
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    for places in by_id.into_values() {
        if let [one, other] = places[..]
            && let (Some(first), Some(second)) = (&rows[one], &rows[other])
            && is_the_same(first, second)
            && let (Some(mut row), Some(rest)) = (rows[one].take(), rows[other].take())
        {
            row.key.package = row.key.package.or(rest.key.package);
            row.key.target = row.key.target.or(rest.key.target);
            for (cell, other) in row.cells.iter_mut().zip(rest.cells) {
                *cell = cell.take().or(other);
            }
            rows[one] = Some(row);
        }
    }
    rows.into_iter().flatten().collect()
}

fn is_the_same(one: &Row, other: &Row) -> bool {
    let agree = |one: &Option<String>, other: &Option<String>| {
        one.is_none() || other.is_none() || one == other
    };
    agree(&one.key.package, &other.key.package)
        && agree(&one.key.target, &other.key.target)
        && !one.cells.iter().zip(&other.cells).any(|(one, other)| one.is_some() && other.is_some())
}
