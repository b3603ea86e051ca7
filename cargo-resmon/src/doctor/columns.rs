//! The columns that a data source needs.

/// A copy: the original `tinybird/ci_test_metrics.datasource` is outside this package.
const FILE: &str = include_str!("ci_test_metrics.datasource");

/// Returns the name and type of each column.
pub(super) fn wanted() -> Vec<(&'static str, &'static str)> {
    let columns = FILE.lines().filter_map(|line| {
        let (name, rest) = line.trim().strip_prefix('`')?.split_once('`')?;
        Some((name, rest.trim_start().split(' ').next()?))
    });
    columns.collect()
}

/// Returns what is wrong with the columns of a data source: those that are missing or have another type.
pub(super) fn faults(there: &[(String, String)]) -> Vec<String> {
    let wrong = wanted().into_iter().filter_map(|(name, wanted)| {
        let found = there.iter().find(|(column, _)| column == name).map(|(_, kind)| kind);
        match found {
            None => Some(format!("{name} is missing")),
            Some(kind) if plain(kind) != wanted => Some(format!("{name} is {kind}, not {wanted}")),
            Some(_) => None,
        }
    });
    wrong.collect()
}

/// Strips the wrappers of a type that do not change which values fit.
fn plain(kind: &str) -> &str {
    let mut kind = kind.trim();
    for wrapper in ["LowCardinality(", "Nullable("] {
        kind = kind.strip_prefix(wrapper).and_then(|kind| kind.strip_suffix(')')).unwrap_or(kind);
    }
    kind
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_copy_is_one() {
        let original =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../tinybird/ci_test_metrics.datasource");
        // A downloaded package does not contain the original.
        if let Ok(original) = fs::read_to_string(original) {
            assert_eq!(FILE, original);
        }
        assert_eq!(wanted()[2], ("timestamp", "DateTime64(3)"));
    }

    #[test]
    fn a_data_source_is_held_against_it() {
        let mut there: Vec<(String, String)> = wanted()
            .into_iter()
            .map(|(name, kind)| (name.to_owned(), format!("LowCardinality(Nullable({kind}))")))
            .collect();
        assert_eq!(faults(&there), [""; 0]);
        there[4].1 = "Float32".to_owned();
        there.remove(3);
        assert_eq!(faults(&there), ["batch_num is missing", "duration_s is Float32, not Float64"]);
    }
}
