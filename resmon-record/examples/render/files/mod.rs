//! The files that are rendered from the tables of fields and variables.

mod configuration;
mod datasource;
mod fields;
mod schema;

use std::fs;
use std::io;
use std::path::Path;

use resmon_record::column::{Column, Group};
use resmon_record::fields::GROUPS;

/// The declaration of the table.
const DATASOURCE: &str = "tinybird/ci_test_metrics.datasource";
/// The JSON Schema of a record.
pub(crate) const SCHEMA: &str = "docs/records.schema.json";

/// Returns the path of each file below `root`, and its text.
pub(crate) fn rendered(root: &Path) -> io::Result<[(&'static str, String); 5]> {
    let datasource = datasource::render(&fs::read_to_string(root.join(DATASOURCE))?);
    Ok([
        ("docs/fields.md", fields::render()),
        ("docs/configuration.md", configuration::render()),
        (SCHEMA, schema::render()),
        // A copy for `cargo resmon doctor`: a package has only files of its own folder.
        ("cargo-resmon/src/doctor/ci_test_metrics.datasource", datasource.clone()),
        (DATASOURCE, datasource),
    ])
}

/// All groups, in one place of memory.
static ALL: [Group; GROUPS.len()] = GROUPS;

/// Returns all fields with their groups. Leaves out a field that an earlier group has in the same events. A name with
/// two meanings is there twice.
fn columns() -> impl Iterator<Item = (&'static Group, &'static Column)> {
    ALL.iter()
        .enumerate()
        .flat_map(|(index, group)| fields_of(index).map(move |column| (group, column)))
}

/// Returns the fields of a group that no earlier group has in the same events.
fn fields_of(index: usize) -> impl Iterator<Item = &'static Column> {
    let events = ALL[index].place.events;
    ALL[index].columns.iter().filter(move |column| {
        !ALL[..index].iter().any(|earlier| {
            events.iter().all(|event| earlier.place.events.contains(event))
                && earlier.columns.iter().any(|other| other.name == column.name)
        })
    })
}

/// Returns whether this is the first field of its name.
fn is_first(column: &Column) -> bool {
    columns()
        .find(|(_, other)| other.name == column.name)
        .is_some_and(|(_, first)| std::ptr::eq(first, column))
}

/// Builds a table of Markdown.
fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<_> = cells.iter().map(|cell| cell.trim().replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let heads: Vec<_> = heads.iter().map(|&head| head.to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(heads.len()));
    let rows: String = rows.map(|row| line(&row)).collect();
    line(&heads) + &rule + &rows
}
