//! The comparison as one self-contained HTML page.

use std::collections::BTreeMap;

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::comparison::{Change, Comparison, Kind, Rank, Total};
use super::metric::{Metric, Unit};
use super::sentences::{self, KINDS};
use crate::report::units::{count, with_spaces};

/// The maximum number of tests to list by their outcomes.
const OUTCOMES: usize = 200;
/// The number of tests from which only changes have a chart.
const CHARTS: usize = 2000;

const STYLE: &str =
    concat!(include_str!("../../report/html/page/base.css"), include_str!("page.css"));
const SCRIPT: &str =
    concat!(include_str!("../../report/html/page/units.js"), include_str!("page.js"));

/// The values for the template `page.html`.
#[derive(Serialize)]
struct Page {
    title: String,
    tests: String,
    base: String,
    head: String,
    facts: Vec<String>,
    totals: Vec<TotalRow>,
    outcomes: Vec<OutcomeRow>,
    /// The number of tests beyond [`OUTCOMES`].
    outcomes_more: usize,
    style: &'static str,
    script: &'static str,
    /// JSON for the script: the document of `--json`, with a name for each test, titles and units.
    data: String,
    version: &'static str,
}

#[derive(Serialize)]
struct TotalRow {
    metric: &'static str,
    base: String,
    head: String,
    increase: String,
    verdict: &'static str,
    class: &'static str,
    of: String,
}

#[derive(Serialize)]
struct OutcomeRow {
    word: &'static str,
    class: &'static str,
    name: String,
}

pub(crate) fn render(comparison: &Comparison<'_>) -> anyhow::Result<String> {
    let outcomes: Vec<OutcomeRow> = KINDS
        .into_iter()
        .flat_map(|kind| comparison.of_kind(kind).map(move |test| (kind, test.name.clone())))
        .map(|(kind, name)| OutcomeRow { word: sentences::word(kind), class: class_of(kind), name })
        .collect();
    let page = Page {
        title: sentences::conclusion(comparison),
        tests: sentences::tests(comparison),
        base: sentences::side(comparison.base),
        head: sentences::side(comparison.head),
        facts: sentences::facts(comparison),
        totals: comparison.totals.iter().map(total).collect(),
        outcomes_more: outcomes.len().saturating_sub(OUTCOMES),
        outcomes: outcomes.into_iter().take(OUTCOMES).collect(),
        style: STYLE,
        script: SCRIPT,
        data: data(comparison)?,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut environment = Environment::new();
    // The template's extension selects HTML escaping.
    environment.add_template("page.html", include_str!("page.html"))?;
    Ok(environment.get_template("page.html")?.render(Serde(page))? + "\n")
}

fn total(total: &Total) -> TotalRow {
    let change = &total.change;
    let of = count(total.tests, "test");
    TotalRow {
        metric: change.metric.title(),
        base: sentences::figure(change, change.base),
        head: sentences::figure(change, change.head),
        increase: sentences::increase(change),
        verdict: sentences::verdict(None, change),
        class: class(change),
        of: with_spaces(&if change.metric.is_peak() {
            format!("most of a test, {of}")
        } else {
            of
        }),
    }
}

fn class(change: &Change) -> &'static str {
    match change.rank() {
        Rank::Fail => "fail",
        Rank::Warn | Rank::Worse => "worse",
        Rank::Better => "better",
        Rank::LooksWorse | Rank::None => "unclear",
    }
}

fn class_of(kind: Kind) -> &'static str {
    match kind {
        Kind::NewlyFailing => "fail",
        Kind::NewlyFlaky => "worse",
        Kind::Fixed => "better",
        Kind::New | Kind::Gone => "unclear",
    }
}

/// Rounds figures that are not whole to five digits, which are more than the page shows.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(figure) = number.as_f64().filter(|figure| figure.fract() != 0.0)
                && let Ok(rounded) = format!("{figure:.4e}").parse::<f64>()
            {
                *value = rounded.into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(round),
        _ => {}
    }
}

fn data(comparison: &Comparison<'_>) -> serde_json::Result<String> {
    let mut document = super::json::document(comparison)?;
    let tests = document["tests"].as_array_mut().into_iter().flatten();
    let has_all_charts = comparison.tests.len() <= CHARTS;
    for (test, named) in tests.zip(&comparison.tests) {
        let metrics = test["metrics"].as_array_mut().into_iter().flatten();
        for metric in metrics.filter_map(Value::as_object_mut) {
            let is_same = metric["verdict"] == "same";
            let has_chart = has_all_charts || !is_same;
            metric.retain(|name, value| {
                !value.is_null() && (has_chart || !["base_runs", "head_runs"].contains(&&**name))
            });
            metric.values_mut().for_each(round);
        }
        let metrics = test["metrics"].take();
        *test = json!({
            "name": named.name,
            "is_muted": test["is_muted"],
            "mute_reason": test["mute_reason"],
            "metrics": metrics,
        });
    }
    let unit = |metric: Metric| match metric.unit() {
        Unit::Seconds => "s",
        Unit::Bytes => "B",
        Unit::Count => "",
    };
    let titles: Map<String, Value> = Metric::ALL
        .iter()
        .map(|metric| (metric.name().to_owned(), metric.title().into()))
        .collect();
    let units: BTreeMap<_, _> =
        Metric::ALL.iter().map(|metric| (metric.name(), unit(*metric))).collect();
    document["titles"] = titles.into();
    document["units"] = serde_json::to_value(units)?;
    // `<` could end the script element. In JSON it occurs only in strings, so it can be escaped.
    Ok(serde_json::to_string(&document)?.replace('<', "\\u003c"))
}
