//! The report on test binaries: the only figures of tests without the attribute when nothing is instrumented.

use std::fs;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::browser::{assert_silent, open};
use crate::command::{Finish, report};
use crate::records::{Records, of_binaries};

fn printed(records: &Records) -> String {
    report(&records.write()).finish().printed()
}

fn document(records: &Records) -> Value {
    let printed = report(&records.write()).arg("--json").finish().printed();
    serde_json::from_str(&printed).unwrap()
}

/// Returns the lines under a heading.
fn section<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| !line.starts_with(heading)).skip(1);
    lines.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn they_come_after_the_tests_and_those_that_took_longest_first() {
    let printed = printed(&of_binaries());
    assert_eq!(
        section(&printed, "Test binaries (time, CPU, peak memory)"),
        [
            "  2.00 s  ██████████  shop tests/orders.rs  1.20 s       –  exit status 101",
            "  1.50 s  ███████▌    store (unit tests)    900 ms   3 GiB  SIGKILL",
            "  600 ms  ███         shop tests/api.rs     360 ms  64 MiB  passed",
            "  250 ms  █▎          shop (lib)            150 ms  64 MiB  passed",
        ]
    );
    let headings: Vec<_> =
        printed.split("\n\n").skip(1).filter_map(|part| part.lines().next()).collect();
    assert_eq!(headings[0], "Look at these first");
    let place = |heading: &str| headings.iter().position(|other| other.starts_with(heading));
    assert!(place("Most growth") < place("Test binaries"), "{headings:?}");
    assert!(place("Test binaries") < place("Advice"), "{headings:?}");
}

#[test]
fn memory_that_is_not_known_of_any_takes_no_room() {
    let mut records = Records::new();
    records.binary("shop", 1.0, 0.5, json!({ "source": "src/lib.rs", "rss_peak": null }));
    let printed = printed(&records);
    assert_eq!(
        section(&printed, "Test binaries (time, CPU)"),
        ["  500 ms  ██████████  shop (lib)  300 ms  passed"]
    );
}

#[test]
fn they_are_limited_and_the_rest_is_counted() {
    let records = of_binaries();
    let printed = report(&records.write()).arg("--top=1").finish().printed();
    let lines = section(&printed, "Test binaries (");
    assert!(lines[0].contains("orders") && lines[1..] == ["  and 3 more"], "{lines:?}");
    let printed = report(&records.write()).arg("--top=0").finish().printed();
    assert!(!printed.contains("Test binaries"), "{printed}");
}

#[test]
fn one_that_crashed_comes_before_all_else() {
    let mut records = of_binaries();
    records.crash("tests/api.rs::crashes", 5.0, 11);
    let printed = printed(&records);
    assert_eq!(
        section(&printed, "Look at these first"),
        [
            "  crashed  store (unit tests)     test binary, SIGKILL, after 1.50 s",
            "  crashed  tests/api.rs::crashes  SIGSEGV",
            "  failed   shop tests/orders.rs   test binary, exit status 101, after 2.00 s",
        ]
    );
    assert!(
        printed.contains(
            "2 tests: 1 crashed, 1 passed; 4 test binaries: 1 crashed, 1 failed, 2 passed"
        ),
        "{printed}"
    );
    let advice = section(&printed, "Advice").join("\n");
    assert!(
        advice.contains("the test binary store (unit tests) was ended by SIGKILL: "),
        "{advice}"
    );
}

#[test]
fn what_a_test_tells_is_not_told_of_its_binary_again() {
    let mut records = Records::new();
    records.test("tests/api.rs::broken", 1.0, 0.5, json!({ "outcome": "failed" }));
    records.binary("api", 1.1, 0.6, json!({ "exit_status": 101, "tests": 1, "tests_bad": 1 }));
    records.end(2.0, 101);
    let printed = printed(&records);
    assert!(printed.contains("\n1 test: 1 failed, exit status 101\n"), "{printed}");
    assert_eq!(section(&printed, "Look at these first").len(), 1, "{printed}");
    assert!(!printed.contains("attribute"), "{printed}");
}

#[test]
fn what_figures_per_test_need_is_said_once() {
    for file in [of_binaries(), without_tests()] {
        for form in [None, Some("--json"), Some("--markdown")] {
            let printed = report(&file.write()).args(form).finish().printed();
            assert_eq!(printed.matches("figures per test need").count(), 1, "{printed}");
        }
    }
    assert!(printed(&of_binaries()).contains("3 of 4 test binaries recorded no test: "));
}

/// Creates a run of two binaries and no test.
fn without_tests() -> Records {
    let mut records = Records::empty();
    records.push(&json!({ "event_type": "session_start", "run_id": "run-0" }));
    records.binary("shop", 1.0, 0.5, json!({}));
    records.binary("store", 2.0, 0.5, json!({ "package": "store" }));
    records.push(&json!({ "event_type": "session_end", "run_id": "run-0", "exit_status": 0 }));
    records
}

#[test]
fn a_run_without_tests_is_named_after_them() {
    let printed = printed(&without_tests());
    let head: Vec<_> = printed.lines().take_while(|line| !line.is_empty()).collect();
    assert!(head[0].starts_with("2 packages, "), "{head:?}");
    assert_eq!(
        head[1..],
        [
            "0 tests; 2 test binaries: 2 passed",
            "Test binaries ran for 1.00 s, they used 600 ms of CPU"
        ]
    );
    let page = report(&without_tests().write()).arg("--markdown").finish().printed();
    assert!(page.contains("<details open><summary>Test binaries</summary>"), "{page}");
}

#[test]
fn they_fit_every_terminal() {
    let mut records = of_binaries();
    let long = json!({ "source": format!("tests/{}.rs", "日本語".repeat(60)) });
    records.binary("long", 9.0, 620.0, long);
    let file = records.write();
    for columns in [40, 50, 60, 72, 80, 100, 120] {
        let printed = report(&file).env("COLUMNS", columns.to_string()).finish().printed();
        for line in printed.lines() {
            assert!(line.width() <= columns, "{columns}: {line}");
        }
        let lines = section(&printed, "Test binaries (");
        assert!(lines.iter().any(|line| line.ends_with("SIGKILL")), "{columns}: {printed}");
        assert!(lines[0].contains('…'), "{columns}: {printed}");
    }
}

#[test]
fn markdown_has_a_table_of_them() {
    let mut records = of_binaries();
    records.binary("x", 9.0, 0.1, json!({ "source": "tests/a|b`<i>@me.rs" }));
    let printed = report(&records.write()).arg("--markdown").finish().printed();
    for part in [
        "| crashed | <code>store (unit tests)</code> | test binary, SIGKILL, after 1.50 s |\n",
        "<details><summary>Test binaries</summary>\n\n| time | test binary | CPU | peak memory | |\n|--:|---|--:|--:|---|\n",
        "| 2.00 s | <code>shop tests/orders.rs</code> | 1.20 s | – | exit status 101 |\n",
        "<code>shop tests/a&#124;b&#96;&#60;i&#62;&#64;me.rs</code>",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    assert!(printed.contains("❌ "));
}

#[test]
fn scripts_get_them_as_they_came() {
    let document = document(&of_binaries());
    let binaries = document["binaries"].as_array().unwrap();
    assert_eq!(binaries.len(), 4);
    let api = &binaries[0];
    assert_eq!(api["name"], "shop tests/api.rs");
    assert_eq!((&api["outcome"], &api["exit_status"]), (&json!("passed"), &json!(0)));
    assert_eq!((&api["duration_s"], &api["cpu_s"]), (&json!(0.6), &json!(0.36)));
    assert_eq!((&api["tests"], &api["tests_bad"]), (&json!(1), &json!(0)));
    let killed = &binaries[3];
    assert_eq!((&killed["outcome"], &killed["signal"]), (&json!("crashed"), &json!(9)));
    assert_eq!((&killed["exit_status"], &killed["source"]), (&Value::Null, &Value::Null));
    assert_eq!(document["run"]["packages"], json!(["shop", "store"]));
    let kinds: Vec<_> =
        document["advice"].as_array().unwrap().iter().map(|advice| &advice["kind"]).collect();
    assert_eq!(kinds, ["killed", "unmarked"]);
}

#[test]
fn every_field_may_be_missing_and_nonsense_is_left_out() {
    let mut records = Records::empty();
    records.push(&json!({ "event_type": "process" }));
    records.push(&json!({ "event_type": "process", "executable": "", "duration_s": -1.0,
        "rss_peak": -5, "cpu_user_s": 1e300, "signal": i32::MIN }));
    let file = records.write();
    let page = records.path("page.html");
    for form in [None, Some("--json"), Some("--markdown")] {
        let printed = report(&file).args(form).finish().printed();
        assert!(printed.contains("(no name)") && !printed.contains("NaN"), "{printed}");
    }
    report(&file).arg("--html").arg(&page).finish().printed();
    assert!(fs::read_to_string(page).unwrap().contains("(no name)"));
    let document = document(&records);
    assert_eq!(document["binaries"][0]["outcome"], "unfinished");
    for field in ["duration_s", "rss_peak", "cpu_s"] {
        assert_eq!(document["binaries"][1][field], Value::Null, "{field}");
    }
}

#[test]
fn a_line_that_is_none_is_left_out() {
    let mut records = of_binaries();
    records.line(r#"{"event_type":"process","run_id":"run-1","tests":"many"}"#);
    let document = document(&records);
    assert_eq!(document["unreadable_lines"], 1);
    assert_eq!(document["binaries"].as_array().unwrap().len(), 4);
}

#[test]
fn those_of_each_run_are_its_own_and_repeats_count_once() {
    let mut records = Records::empty();
    for run in ["run-1", "run-2"] {
        records.begin(run);
        for _ in 0..2 {
            records.binary("shop", 1.0, 0.5, json!({}));
        }
        // The executable is the same, and the record is later.
        records.binary("shop", 2.0, 0.5, json!({}));
        records.end(3.0, 0);
    }
    let document = document(&records);
    assert_eq!(document["run"]["id"], "run-2");
    assert_eq!(document["binaries"].as_array().unwrap().len(), 2);
    assert_eq!(document["duplicate_records"], 1);
    assert_eq!(document["earlier_runs"].as_array().unwrap().len(), 1);
}

#[test]
fn the_page_has_no_link_to_a_test_that_is_none() {
    let records = of_binaries();
    let page = records.path("page.html");
    report(&records.write()).arg("--html").arg(&page).finish().printed();
    let html = fs::read_to_string(page).unwrap();
    assert!(html.contains(r#"<span class="id">store (unit tests)</span>"#));
    assert!(!html.contains(r#"data-test="store"#));
}

#[test]
fn the_page_has_a_table_of_them_that_fits_every_screen() {
    let records = of_binaries();
    let Some((browser, _)) = open(&records) else { return };
    let first = browser.value("document.querySelector('#binaries tbody tr').innerText");
    let first = first.as_str().unwrap();
    for part in ["shop tests/orders.rs", "exit status 101", "2.00 s"] {
        assert!(first.replace('\u{a0}', " ").contains(part), "{part}: {first}");
    }
    let bad = browser.value("document.querySelector('.badges li').innerText");
    assert!(bad.as_str().unwrap().contains("store (unit tests)"), "{bad}");
    // The filter lists only packages with tests.
    assert_eq!(browser.value("document.getElementById('package-label').hidden"), true);
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for (width, height) in [(320, 1400), (1280, 1500)] {
            browser.resize(width, height);
            browser.wait(&format!("innerWidth === {width}"));
            let over = browser.value("document.documentElement.scrollWidth - innerWidth");
            assert!(over.as_i64().unwrap() <= 0, "{over} pixels too wide at {width}");
            browser.picture(&format!("binaries-{width}-{scheme}.png"));
        }
    }
    assert_silent(&browser);
}
