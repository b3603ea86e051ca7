//! The tables of fields and variables, the files that are rendered from them, the independent schema and real records
//! agree.

#[path = "../resmon-record/examples/render/files/mod.rs"]
mod files;
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use jsonschema::Validator;
use resmon_record::{config::VARIABLES, fields};
use serde_json::{Value, json};
use support::{Run, schema};
use tempfile::tempdir;

const README: &str = include_str!("../README.md");

/// The tests whose records are validated.
mod suite {
    #[resmon::test]
    fn passes() {}

    #[resmon::test]
    fn fails() {
        assert!(std::env::var_os("SUITE_FAILS").is_none());
    }

    #[resmon::test]
    fn dies() {
        if std::env::var_os("SUITE_DIES").is_some() {
            std::process::abort();
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn rendered_files_are_up_to_date() {
    for (name, text) in files::rendered(root()).expect("the repository can be read") {
        let found = fs::read_to_string(root().join(name)).unwrap_or_default();
        assert!(
            found == text,
            "{name} differs from its definition: run `cargo run --package resmon-record --example render`"
        );
    }
}

/// Type, events and whether the value is known only at the end, by name.
type Table = BTreeMap<&'static str, (&'static str, BTreeSet<&'static str>, bool)>;

#[test]
fn the_fields_are_those_of_the_independent_schema() {
    let mut defined = Table::new();
    for group in &fields::GROUPS {
        for column in group.columns {
            let kind = column.values.kind.name();
            let after = group.place.needs_end && !fields::IN_CRASH_REPORTS.contains(&column.name);
            let known = defined.entry(column.name).or_insert((kind, BTreeSet::new(), after));
            assert_eq!((known.0, known.2), (kind, after), "{}", column.name);
            known.1.extend(group.place.events);
        }
    }
    let mut wanted = Table::new();
    for ((name, kind), (_, events, after)) in schema::columns().zip(schema::places()) {
        wanted.insert(name, (kind, events.iter().copied().collect(), after));
    }
    assert_eq!(defined, wanted);

    // Fields that a platform may lack are optional in the definition, and required on the platforms of these tests.
    let required: Vec<_> = schema::required_columns().collect();
    let columns = fields::GROUPS.iter().flat_map(|group| group.columns);
    for column in columns.filter(|column| !column.values.optional) {
        assert!(required.contains(&column.name), "{}", column.name);
    }
}

#[test]
fn each_field_is_described() {
    for column in fields::GROUPS.iter().flat_map(|group| group.columns) {
        assert!(!column.about.trim().is_empty() && !column.source.is_empty(), "{}", column.name);
        assert!(README.contains(&format!("`{}`", column.name)), "{} in the README", column.name);
    }
}

fn validator() -> Validator {
    let text = fs::read_to_string(root().join(files::SCHEMA)).expect("it is rendered");
    let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    jsonschema::meta::validate(&schema).expect("the schema is one");
    jsonschema::validator_for(&schema).expect("the schema is one")
}

/// Returns the records of three runs: one that dies in a test, one with a failed test, which reports the death, and one
/// without a failure.
fn records() -> Vec<Value> {
    let folder = tempdir().expect("a folder of our own");
    let file = folder.path().join("records.ndjson");
    let run = |variable, filter| {
        let run = Run::own_tests(filter).env("RESMON_FILE", &file).env(variable, "1");
        run.env("RESMON_SPOOL_DIR", folder.path().join("spool")).finish()
    };
    run("SUITE_DIES", "suite::dies");
    run("SUITE_FAILS", "suite::").exits(101);
    run("SUITE_PASSES", "suite::").exits(0);
    let text = fs::read_to_string(&file).expect("records were written");
    text.lines().map(|line| serde_json::from_str(line).expect("a record is JSON")).collect()
}

#[test]
fn real_records_are_valid_and_damaged_ones_are_not() {
    let validator = validator();
    let records = records();
    let outcomes: BTreeSet<_> =
        records.iter().filter_map(|record| record["outcome"].as_str()).collect();
    assert_eq!(outcomes, BTreeSet::from(["passed", "failed", "crashed"]));
    let statuses: BTreeSet<_> =
        records.iter().filter_map(|record| record["exit_status"].as_i64()).collect();
    assert!(statuses.contains(&-1) && statuses.contains(&0), "{statuses:?}");
    for record in &records {
        let faults: Vec<_> = validator.iter_errors(record).map(|error| error.to_string()).collect();
        assert_eq!(faults, [""; 0], "{record}");
    }

    for record in &records {
        let record = record.as_object().expect("checked by the schema");
        let event = record["event_type"].as_str().expect("checked by the schema");
        let is_invalid = |name: &str, value: Option<Value>| {
            let mut damaged = record.clone();
            match value {
                Some(value) => damaged.insert(name.to_owned(), value),
                None => damaged.remove(name),
            };
            !validator.is_valid(&Value::Object(damaged))
        };
        for (name, value) in record {
            let other = if value.is_string() { json!(1) } else { json!("1") };
            assert!(is_invalid(name, Some(other)), "{name} of another type");
            assert!(is_invalid(name, Some(Value::Null)), "{name} is null");
        }
        for group in fields::GROUPS.iter().filter(|group| group.place.events.contains(&event)) {
            for column in group.columns.iter().filter(|column| !column.values.optional) {
                let name = column.name;
                assert!(is_invalid(name, None) || !record.contains_key(name), "{name} is missing");
            }
        }
        for (name, value) in [
            ("event_type", json!("other")),
            ("timestamp", json!("2026-02-28T23:59:59Z")),
            ("outcome", json!("ok")),
            ("cpu_before", json!(100.5)),
            ("attempt", json!(1.5)),
            ("mem_total_bytes", json!(-1)),
        ] {
            assert!(is_invalid(name, Some(value)), "{name} in a {event}");
        }
        // A later version may have more fields.
        assert!(!is_invalid("of_a_later_version", Some(json!(0))));
    }
}

#[test]
fn the_readme_lists_the_variables() {
    let rows = README.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows: BTreeMap<_, _> = rows
        .filter(|(name, _)| name.starts_with("RESMON_") || name.starts_with("TINYBIRD_"))
        .map(|(name, rest)| (name, rest.split(" | ").next().unwrap_or(rest).trim_matches('`')))
        .collect();
    assert_eq!(rows.len(), VARIABLES.len());
    for variable in VARIABLES {
        let found = rows.get(variable.name).unwrap_or_else(|| panic!("{}", variable.name));
        match variable.default {
            "" => assert_eq!(*found, "–", "{}", variable.name),
            // The README has a section about it.
            text if text.contains(' ') => assert!(found.starts_with("see "), "{found}"),
            value => assert_eq!(*found, value, "{}", variable.name),
        }
    }
}
