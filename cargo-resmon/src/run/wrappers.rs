//! nextest's wrapper scripts, as far as they keep the shim from a test or the shim keeps them from it.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::cargo_config::get;
use crate::wrapped::Wrapped;

/// The profile that every other one inherits from.
const DEFAULT: &str = "default";

/// The names of wrapper scripts that do not go together with the shim.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wrappers {
    /// A script in whose place a runner is started, if there is one.
    pub(crate) replaced_by_runner: Option<String>,
    /// A script that starts tests without the runner.
    pub(crate) without_runner: Option<String>,
}

impl Wrappers {
    /// Reads nextest's configuration. A file that cannot be read has no scripts; nextest reports it.
    pub(crate) fn of(wrapped: &Wrapped, root: &Path) -> Self {
        let own = wrapped.values("--config-file").pop().map(PathBuf::from);
        let own = own.unwrap_or_else(|| root.join(".config/nextest.toml"));
        let tools = wrapped.values("--tool-config-file").into_iter().filter_map(|value| {
            // `TOOL:PATH`
            Some(PathBuf::from(value.to_str()?.split_once(':')?.1))
        });
        let files = [own].into_iter().chain(tools);
        let tables = files.filter_map(|path| fs::read_to_string(path).ok()?.parse().ok());
        let tables: Vec<Table> = tables.collect();
        let profile = ["--profile", "-P"].into_iter().find_map(|name| wrapped.values(name).pop());
        let profile = profile.or_else(|| env::var_os("NEXTEST_PROFILE"));
        let profile = profile.and_then(|name| name.into_string().ok());
        Self::in_tables(&tables, profile.as_deref().unwrap_or(DEFAULT))
    }

    fn in_tables(tables: &[Table], profile: &str) -> Self {
        let mut modes = HashMap::new();
        for (name, script) in
            tables.iter().flat_map(|table| entries(table, &["scripts", "wrapper"]))
        {
            let mode = script.get("target-runner").and_then(Value::as_str).unwrap_or("ignore");
            modes.entry(name).or_insert(mode);
        }
        let profiles = with_ancestors(tables, profile);
        let rules = tables.iter().flat_map(|table| {
            let of_profile = |name| get(table, &["profile", name, "scripts"])?.as_array();
            profiles.iter().filter_map(move |name| of_profile(name)).flatten()
        });
        let mut wrappers = Self::default();
        for rule in rules {
            for key in ["run-wrapper", "list-wrapper"] {
                let Some(name) = rule.get(key).and_then(Value::as_str) else { continue };
                match modes.get(name) {
                    Some(&"overrides-wrapper") => {
                        wrappers.replaced_by_runner.get_or_insert_with(|| name.to_owned());
                    }
                    Some(&"ignore") if key == "run-wrapper" => {
                        wrappers.without_runner.get_or_insert_with(|| name.to_owned());
                    }
                    _ => {}
                }
            }
        }
        wrappers
    }
}

/// Returns the names of a profile and of those that it inherits from.
fn with_ancestors<'a>(tables: &'a [Table], profile: &'a str) -> Vec<&'a str> {
    let parent = |name: &str| {
        tables.iter().find_map(|table| get(table, &["profile", name, "inherits"])?.as_str())
    };
    let mut profiles = vec![profile];
    while let Some(next) = profiles.last().and_then(|last| parent(last)) {
        if profiles.contains(&next) {
            break;
        }
        profiles.push(next);
    }
    if !profiles.contains(&DEFAULT) {
        profiles.push(DEFAULT);
    }
    profiles
}

fn entries<'a>(table: &'a Table, path: &[&str]) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let table = get(table, path).and_then(Value::as_table).into_iter().flatten();
    table.map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_count_where_the_profile_uses_them() {
        let table: Table = "
            [scripts.wrapper]
            plain = { command = 'a' }
            around = { command = 'a', target-runner = 'around-wrapper' }
            replaced = { command = 'a', target-runner = 'overrides-wrapper' }
            [profile.default]
            scripts = [{ filter = 'all()', run-wrapper = 'around', list-wrapper = 'plain' }]
            [profile.ci]
            scripts = [{ filter = 'all()', run-wrapper = 'plain' }]
            [profile.slow]
            inherits = 'ci'
            scripts = [{ filter = 'all()', list-wrapper = 'replaced' }]
        "
        .parse()
        .unwrap();
        let of = |profile| {
            let Wrappers { replaced_by_runner, without_runner } =
                Wrappers::in_tables(std::slice::from_ref(&table), profile);
            (replaced_by_runner, without_runner)
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(of("default"), (None, None));
        assert_eq!(of("ci"), (None, some("plain")));
        assert_eq!(of("slow"), (some("replaced"), some("plain")));
        assert_eq!(of("none"), (None, None));
    }
}
