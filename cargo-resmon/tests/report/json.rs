//! The JSON report for scripts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::command::{Finish, report};
use crate::records::{Records, eventful, killed, of_binaries};

fn document(records: &Records) -> Value {
    let printed = report(&records.write()).arg("--json").finish().printed();
    assert!(printed.ends_with("}\n") && printed.lines().count() == 1);
    serde_json::from_str(&printed).unwrap()
}

#[test]
fn the_run_and_its_figures_are_there() {
    let document = document(&eventful());
    assert_eq!(document["version"], 1);
    let run = &document["run"];
    assert_eq!(run["id"], "run-3");
    assert_eq!(run["started"], "2026-11-24T09:00:00Z");
    assert_eq!(run["duration_s"], 11.0);
    assert_eq!(run["exit_status"], 101);
    assert_eq!(run["github"], Value::Null);
    assert_eq!(document["machine"]["mem_limit_bytes"], 4_i64 << 30);
    let totals = &document["totals"];
    for (outcome, count) in
        [("tests", 11), ("passed", 9), ("failed", 1), ("crashed", 1), ("flaky", 1), ("retries", 2)]
    {
        assert_eq!(totals[outcome], count, "{outcome}");
    }
}

#[test]
fn a_test_has_its_attempts_and_what_it_cost_before() {
    let document = document(&eventful());
    let find = |id: &str| {
        let tests = document["tests"].as_array().unwrap();
        tests.iter().find(|test| test["id"] == id).unwrap().clone()
    };
    let flaky = find("tests/api.rs::flaky");
    assert_eq!(flaky["outcome"], "passed");
    assert_eq!(flaky["flaky"], true);
    let outcomes: Vec<_> =
        flaky["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(outcomes, ["failed", "failed", "passed"]);

    let slow = find("tests/api.rs::slow");
    assert_eq!(slow["duration_s"], 4.0);
    assert_eq!((&slow["rss_peak"], &slow["rss_growth"]), (&json!(20 << 20), &json!(2 << 20)));
    assert_eq!(slow["attempts"][0]["cpu_scope"], "process");
    let earlier = slow["earlier"].as_array().unwrap();
    assert_eq!(earlier.len(), 2);
    assert_eq!(earlier[0]["duration_s"], 1.0);
    assert_eq!(
        document["earlier_runs"][usize::try_from(earlier[0]["run"].as_u64().unwrap()).unwrap()]["id"],
        "run-2"
    );

    let crashed = find("tests/api.rs::overflows");
    assert_eq!(crashed["attempts"][0]["signal"], 11);
    assert_eq!(crashed["duration_s"], Value::Null);
}

/// A test that runs itself again in a process of its own, or that repeats itself, has several records of one attempt.
#[test]
fn the_last_record_of_an_attempt_counts() {
    let mut records = Records::new();
    records.test("tests/api.rs::forked", 1.0, 0.1, json!({"outcome": "unfinished"}));
    records.test("tests/api.rs::forked", 1.1, 0.3, json!({}));
    records.test("tests/api.rs::repeated", 2.0, 0.1, json!({"outcome": "failed"}));
    records.test("tests/api.rs::repeated", 2.2, 0.1, json!({}));
    records.end(3.0, 0);
    let document = document(&records);
    let tests = document["tests"].as_array().unwrap();
    let told = |test: &Value| (test["outcome"].clone(), test["flaky"].clone());
    assert_eq!(told(&tests[0]), (json!("passed"), json!(false)));
    assert_eq!(told(&tests[1]), (json!("passed"), json!(true)));
    assert_eq!(document["totals"]["passed"], 2);
}

#[test]
fn a_module_in_two_targets_gives_two_tests() {
    let mut records = Records::new();
    for (target, outcome) in [("shop", "failed"), ("shop::bin/shop", "passed")] {
        let more = json!({"target": target, "outcome": outcome});
        records.test("src/util.rs::util::works", 1.0, 0.1, more);
    }
    records.end(2.0, 101);
    let document = document(&records);
    let tests = document["tests"].as_array().unwrap();
    let told: Vec<_> = tests.iter().map(|test| (&test["target"], &test["outcome"])).collect();
    assert_eq!(
        told,
        [(&json!("shop"), &json!("failed")), (&json!("shop::bin/shop"), &json!("passed"))]
    );
    let printed = report(&records.write()).finish().printed();
    assert!(printed.contains("failed  src/util.rs::util::works (shop)  after"), "{printed}");
}

#[test]
fn advice_has_a_kind_that_scripts_can_go_by() {
    let document = document(&eventful());
    let kinds: Vec<_> =
        document["advice"].as_array().unwrap().iter().map(|advice| &advice["kind"]).collect();
    assert_eq!(kinds, ["memory_hungry", "flaky", "slower", "dominant"]);
    assert_eq!(document["advice"][0]["test"], "tests/api.rs::hungry");
}

#[test]
fn github_is_named_where_the_run_was_there() {
    let mut records = Records::empty();
    records.push(&json!({ "event_type": "session_start", "run_id": "a", "gh_run_id": "17",
        "gh_repository": "shop/shop", "gh_sha": "abc", "timestamp": "2026-11-24T10:00:00.000+00:00" }));
    let document = document(&records);
    assert_eq!(document["run"]["github"]["repository"], "shop/shop");
    assert_eq!(document["run"]["github"]["run_id"], "17");
}

/// Collects the names of all fields of an object, at any depth.
fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                into.insert(name.clone());
                names(value, into);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| names(value, into)),
        _ => {}
    }
}

#[test]
fn the_page_that_documents_it_names_every_field() {
    let mut records = eventful();
    records.push(&json!({ "event_type": "session_start", "run_id": "run-3", "gh_run_id": "17" }));
    let mut fields = BTreeSet::new();
    names(&document(&records), &mut fields);
    names(&document(&of_binaries()), &mut fields);
    names(&document(&killed()), &mut fields);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report-json.md");
    let page = fs::read_to_string(page).unwrap();
    for field in fields {
        assert!(page.contains(&format!("`{field}`")), "{field} is not documented");
    }
}
