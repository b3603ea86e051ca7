//! The data source file for Tinybird declares the table of the schema.

mod support;

use support::schema::columns;

const FILE: &str = include_str!("../tinybird/ci_test_metrics.datasource");

/// Columns without a default: a row that lacks one belongs in quarantine. Other columns have defaults, because no event
/// has them all, and other programs write to this table without the fields of resmon.
const IDENTITY: [&str; 3] = ["event_type", "test_nodeid", "timestamp"];

#[test]
fn the_columns_are_those_of_the_schema_and_have_defaults() {
    let declared: Vec<&str> = FILE
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('`'))
        .map(|line| line.trim_end_matches(','))
        .collect();
    let wanted: Vec<String> = columns()
        .map(|(name, kind)| {
            let default = match kind {
                _ if IDENTITY.contains(&name) => "",
                "String" => " DEFAULT ''",
                _ => " DEFAULT 0",
            };
            format!("`{name}` {kind} `json:$.{name}`{default}")
        })
        .collect();
    assert_eq!(declared, wanted);
}

#[test]
fn rows_are_sorted_by_time_and_test() {
    assert!(FILE.contains("ENGINE_SORTING_KEY \"timestamp, test_nodeid\"\n"));
}
