//! The forms of a comparison, whole: for the eye of whoever changes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::command::Finish;
use crate::project::{Project, eventful};

const LIMITS: [&str; 8] =
    ["main", "pr", "--warn", "time:+20%", "--fail", "heap:+5%", "--max", "rss:200MiB"];

#[test]
fn terminal() {
    let project = eventful();
    let mut command = project.command(&[&["compare"], &LIMITS[..]].concat());
    let finished = command.env("COLUMNS", "110").finish();
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    insta::assert_snapshot!(finished.stdout);
}

#[test]
fn json() {
    let project = eventful();
    let finished = project.compare(&[&LIMITS[..], &["--json"]].concat());
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    let mut document: Value = serde_json::from_str(&finished.stdout).unwrap();
    // A few tests are enough for the eye.
    document["tests"].as_array_mut().unwrap().drain(..8);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn markdown() {
    let project = eventful();
    let finished = project.compare(&[&LIMITS[..], &["--markdown"]].concat());
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    insta::assert_snapshot!(finished.stdout);
}

#[test]
fn markdown_is_appended_to_the_summary_of_a_step() {
    let project = eventful();
    project.write("summary.md", "# Mine");
    let mut command = project.command(&["compare", "main", "pr", "--markdown"]);
    let printed = command.env("GITHUB_STEP_SUMMARY", project.path("summary.md")).finish().printed();
    let summary = fs::read_to_string(project.path("summary.md")).unwrap();
    assert_eq!(summary, format!("# Mine\n\n{printed}"));
}

#[test]
fn markdown_of_very_many_changes_is_one_table_that_fits_in_a_comment() {
    let mut project = Project::new();
    for (side, count) in [("main", 10), ("pr", 20)] {
        project.runs(side, 1, |records, _| {
            for test in 0..3000 {
                let id =
                    format!("tests/api.rs::with_a_long_name_that_says_what_it_is::test_{test}");
                records.test(&id, 1.0, 0.01, json!({ "alloc_count": count }));
            }
        });
    }
    let printed = project.compare(&["main", "pr", "--markdown", "--top", "9999"]).printed();
    assert!((60_000..65_536).contains(&printed.len()), "{}", printed.len());
    assert_eq!(printed.matches("|---|---|---|").count(), 1);
    let rest = printed.lines().last().unwrap();
    assert!(rest.starts_with("and 2,") && rest.ends_with(" more"), "{rest}");
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
fn the_page_that_documents_json_names_every_field() {
    let mut fields = BTreeSet::new();
    names(&eventful().json(&["main", "pr"]), &mut fields);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compare.md");
    let page = fs::read_to_string(page).unwrap();
    for field in fields {
        assert!(page.contains(&format!("`{field}`")), "{field} is not documented");
    }
}
