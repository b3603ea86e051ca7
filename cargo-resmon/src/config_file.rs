//! The file `.config/resmon.toml` in the root of a workspace. `docs/resmon.toml.schema.json` describes it to editors.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

/// The path of the file from the root of the workspace.
const PATH: &str = ".config/resmon.toml";

/// The settings of a workspace.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    /// Tests whose figures are shown, but exceed no limit.
    pub(crate) mute: Vec<Muted>,
    /// Limits that a run of `cargo resmon` holds tests to.
    pub(crate) budget: Vec<Limited>,
}

/// Tests with limits.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Limited {
    /// A glob pattern for ids of tests.
    pub(crate) filter: String,
    /// Their package; any if left out.
    pub(crate) package: Option<String>,
    pub(crate) max_heap: Option<String>,
    pub(crate) max_allocs: Option<u64>,
    pub(crate) max_rss: Option<String>,
    pub(crate) max_time: Option<String>,
    pub(crate) max_cpu: Option<String>,
}

/// Tests that are muted.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Muted {
    /// A glob pattern for ids of tests.
    pub(crate) test: String,
    /// Their package; any if left out.
    pub(crate) package: Option<String>,
    pub(crate) reason: Option<String>,
}

impl ConfigFile {
    /// Reads the file of a workspace. Without one, all settings are unset.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let path = root.join(PATH);
        match fs::read_to_string(&path) {
            Ok(text) => {
                Self::parse(&text).with_context(|| format!("cannot use {}", path.display()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        // The error shows the line and points at the mistake.
        let file: Self = toml::from_str(text).map_err(|error| {
            anyhow::anyhow!("{}", error.to_string().trim_end().replace("TOML parse error ", ""))
        })?;
        for muted in &file.mute {
            if muted.test.trim().is_empty() {
                bail!("`mute.test` is empty: name a test, such as \"tests/api.rs::slow_*\"");
            }
            glob::Pattern::new(&muted.test).with_context(|| {
                format!("`mute.test` of {:?} is not a glob pattern", muted.test)
            })?;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        format!("{:#}", ConfigFile::parse(text).unwrap_err())
    }

    #[test]
    fn muted_tests_are_read() {
        let text = "[[mute]]\ntest = \"tests/*::slow\"\nreason = \"waits\"\n[[mute]]\ntest = \"a\"\npackage = \"shop\"\n";
        let file = ConfigFile::parse(text).unwrap();
        assert_eq!(file.mute.len(), 2);
        assert_eq!(file.mute[0].reason.as_deref(), Some("waits"));
        assert_eq!(file.mute[1].package.as_deref(), Some("shop"));
        assert_eq!(ConfigFile::parse("").unwrap(), ConfigFile::default());
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        let unknown = refused("[[mute]]\ntset = \"a\"\n");
        assert!(unknown.contains("at line 2, column 1"), "{unknown}");
        assert!(unknown.contains("unknown field `tset`, expected one of `test`"), "{unknown}");
        assert!(refused("[[mute]]\nreason = \"a\"\n").contains("missing field `test`"));
        assert!(
            refused("[[mutes]]\n").contains("unknown field `mutes`, expected `mute` or `budget`")
        );
        assert!(refused("[[mute]]\ntest = 5\n").contains("expected a string"));
        assert!(refused("mute = [\n").contains("at line"));
        assert!(refused("[[mute]]\ntest = \" \"\n").contains("`mute.test` is empty"));
        assert!(refused("[[mute]]\ntest = \"a[\"\n").contains("not a glob pattern"));
    }

    /// Collects the objects of a JSON Schema that list properties, with the names of these.
    fn properties(schema: &serde_json::Value, path: &str, into: &mut Vec<(String, Vec<String>)>) {
        if let Some(fields) = schema["properties"].as_object() {
            into.push((path.to_owned(), fields.keys().cloned().collect()));
            for (name, field) in fields {
                properties(&field["items"], name, into);
            }
        }
    }

    /// The error for an unknown field lists those that there are.
    #[test]
    fn the_schema_has_the_fields_of_the_file() {
        let schema = include_str!("../../docs/resmon.toml.schema.json");
        let schema = serde_json::from_str(schema).unwrap();
        let mut objects = Vec::new();
        properties(&schema, "", &mut objects);
        for (path, fields) in objects {
            let text =
                if path.is_empty() { "odd = 1".to_owned() } else { format!("[[{path}]]\nodd = 1") };
            let error = refused(&text);
            let known = error.split("expected ").nth(1).unwrap().lines().next().unwrap();
            let known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
            assert_eq!(known, fields, "{path}");
        }
    }
}
