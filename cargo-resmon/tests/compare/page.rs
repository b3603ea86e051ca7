//! The page in a browser.

use std::fs;

use serde_json::{Value, json};

use crate::project::{Project, eventful, steady};
use crate::webdriver::Browser;

/// Opens the page of a comparison. `None` if there is no Chromium.
fn open(project: &Project, arguments: &[&str]) -> Option<Browser> {
    let page = project.path("comparison.html");
    let html = ["--html", page.to_str().unwrap()];
    let finished = project.compare(&[arguments, &html].concat());
    assert!(finished.stderr.contains("the comparison is in "), "{}", finished.stderr);
    let browser = Browser::start()?;
    browser.open(&page);
    let ready = browser.value("performance.getEntriesByName('ready').length");
    assert_eq!(ready, 1, "{:?}", browser.seen().console);
    Some(browser)
}

/// Returns the text of the cells in a column of the table.
fn column(browser: &Browser, column: usize) -> Vec<String> {
    let cells = browser.value(&format!(
        "[...document.querySelectorAll('#table > tbody > tr')].map(row => row.cells[{column}].textContent)"
    ));
    cells.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect()
}

fn choose(browser: &Browser, id: &str, value: &str) {
    browser.run(&format!(
        "const chosen = document.getElementById('{id}'); chosen.value = '{value}'; \
         chosen.dispatchEvent(new Event('{}'));",
        if id == "filter" { "input" } else { "change" }
    ));
}

#[test]
fn the_page_has_both_sides_with_a_chart_of_the_runs() {
    let project = eventful();
    let Some(browser) = open(&project, &["main", "pr", "--fail", "time"]) else { return };
    assert_eq!(column(&browser, 0)[0], "tests/api.rs::slow");
    let row: Vec<_> = (1..5).map(|place| column(&browser, place).swap_remove(0)).collect();
    assert_eq!(row, ["fail", "1.00 s", "1.50 s", "+50 %"]);
    let points = "#table > tbody > tr:first-child svg";
    for side in ["base", "head"] {
        let count = format!("document.querySelectorAll('{points} circle.{side}').length");
        assert_eq!(browser.value(&count), 5, "{side}");
    }
    browser.picture("comparison.png");
    choose(&browser, "metric", "rss");
    assert_eq!(column(&browser, 4)[0], "+196 %");
    choose(&browser, "verdict", "worse");
    assert_eq!(column(&browser, 0), ["tests/api.rs::hungry"]);
    choose(&browser, "verdict", "");
    choose(&browser, "filter", "steady 8");
    assert_eq!(column(&browser, 0), ["src/lib.rs::tests::steady_8"]);
    choose(&browser, "filter", "");
    browser.click("th[data-key=id] button");
    assert!(column(&browser, 0).is_sorted());
    let seen = browser.seen();
    assert!(seen.console.is_empty(), "{:?}", seen.console);
    let is_own = |url: &String| url.starts_with("file:") || url.starts_with("data:");
    assert!(seen.urls.iter().all(is_own), "{:?}", seen.urls);
}

#[test]
fn names_are_shown_and_not_run() {
    let mut project = Project::new();
    let id = "tests/a.rs::</script><script>document.title='run'</script>\u{202e}x";
    for side in ["main", "pr"] {
        project.runs(side, 3, |records, run| {
            steady(records, run, 1.0);
            records.test(id, 1.0, 1.0, json!({}));
        });
    }
    let Some(browser) = open(&project, &["main", "pr"]) else { return };
    choose(&browser, "filter", "script");
    let shown = column(&browser, 0).swap_remove(0);
    assert_eq!(shown, id.replace('\u{202e}', "\u{fffd}"));
    assert_ne!(browser.value("document.title"), Value::from("run"));
    let html = fs::read_to_string(project.path("comparison.html")).unwrap();
    assert!(!html.contains("<script>document"));
}
