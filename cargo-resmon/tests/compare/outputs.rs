//! The forms of a comparison, whole: for the eye of whoever changes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::Finish;
use crate::project::eventful;

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
