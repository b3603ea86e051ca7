//! `tinybird/ci_test_metrics.datasource`

use resmon_record::column::Kind;
use resmon_record::fields::Head;

use super::{columns, is_first};

const HEAD: &str = "\
DESCRIPTION >
    What each test did to the machine, written by resmon. A row carries the columns of its event_type;
    the others hold their defaults, so a query begins with a condition on event_type.

SCHEMA >
";

const ENGINE: &str = "
ENGINE \"MergeTree\"
ENGINE_PARTITION_KEY \"toYYYYMM(timestamp)\"
ENGINE_SORTING_KEY \"timestamp, test_nodeid\"
";

/// Renders the declaration of the table. Columns that `present` has keep their order, and new ones follow: a table that
/// is deployed can only grow at its end.
pub(super) fn render(present: &str) -> String {
    let place = |name: &str| {
        let column = format!("`{name}` ");
        present.lines().position(|line| line.trim_start().starts_with(&column))
    };
    let mut columns: Vec<_> =
        columns().map(|(_, column)| column).filter(|column| is_first(column)).collect();
    columns.sort_by_key(|column| place(column.name).unwrap_or(usize::MAX));
    // A row without one of the first fields belongs in quarantine. The other columns have defaults, because no event
    // has them all, and other programs write to this table without the fields of resmon.
    let is_identity = |name| Head::GROUP.columns.iter().any(|column| column.name == name);
    let lines = columns.into_iter().map(|column| {
        let (name, kind) = (column.name, column.values.kind);
        let default = match kind {
            _ if is_identity(name) => "",
            Kind::String => " DEFAULT ''",
            _ => " DEFAULT 0",
        };
        format!("    `{name}` {} `json:$.{name}`{default}", kind.name())
    });
    format!("{HEAD}{}\n{ENGINE}", lines.collect::<Vec<_>>().join(",\n"))
}
