//! `docs/fields.md`

use resmon_record::column::EVENTS;
use resmon_record::fields::IN_CRASH_REPORTS;

use super::{ALL, fields_of, table};

const INTRODUCTION: &str = "\
# The fields of a record

<!-- Rendered from resmon-record/src/fields.rs by `cargo run --package resmon-record --example render`. -->

A record is one line of JSON, and one row of the table `ci_test_metrics`. It carries the fields of its event and no
others of the table. An optional field is left out where its value is unknown: resmon does not guess. In the table such
a column holds its default, an empty text or 0.

The sources are those on Linux; other systems have other calls for the same figures. What the figures mean, and what
they cannot tell, is in the [README](../README.md#what-is-recorded). The same fields are declared for Tinybird in
[`ci_test_metrics.datasource`](../tinybird/ci_test_metrics.datasource), and for programs that read the file in
[`records.schema.json`](records.schema.json), a JSON Schema (draft 2020-12).
";

/// Renders the reference page of the fields.
pub(super) fn render() -> String {
    INTRODUCTION.to_owned() + &(0..ALL.len()).map(section).collect::<String>()
}

/// Renders the section of a group.
fn section(index: usize) -> String {
    let group = &ALL[index];
    let about = group.about.trim();
    let (title, more) = about.split_once(". ").unwrap_or((about.trim_end_matches('.'), ""));
    let mut paragraph = more.to_owned();
    if group.place.needs_end {
        let told = group.columns.iter().find(|column| IN_CRASH_REPORTS.contains(&column.name));
        let but = told.map_or(String::new(), |column| format!(" but `{}`", column.name));
        paragraph = format!("If the process died, the record may lack all of these{but}. {more}");
    }
    if !paragraph.is_empty() {
        paragraph = format!("{}\n\n", paragraph.trim());
    }
    let rows = fields_of(index).map(|column| {
        let optional = if column.values.optional { ", optional" } else { "" };
        vec![
            format!("`{}`", column.name),
            format!("{}{optional}", column.values.kind.name()),
            events(group.place.events),
            column.unit.to_owned(),
            column.about.to_owned(),
            column.source.to_owned(),
        ]
    });
    let table = table(&["field", "type", "events", "unit", "meaning", "source"], rows);
    format!("\n## {title}\n\n{paragraph}{table}")
}

fn events(events: &[&str]) -> String {
    if events.len() == EVENTS.len() {
        return "all".to_owned();
    }
    events.iter().map(|event| format!("`{event}`")).collect::<Vec<_>>().join(", ")
}
