//! A test binary of `cargo test`, measured as a whole.

use super::text::clean;
use crate::outcome::Outcome;
use crate::record::{About, Attempt, executable_name};

/// A process that ran tests.
#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) about: About,
    /// The figures that a test has too.
    pub(crate) figures: Attempt,
}

impl Binary {
    /// Returns its package and target as far as they are known, such as `shop (lib)` and `shop tests/api.rs`.
    pub(crate) fn name(&self) -> String {
        let package = self.about.package.as_deref().filter(|package| !package.is_empty());
        let source = self.about.source.as_deref().filter(|source| !source.is_empty());
        let stem =
            self.about.executable.as_deref().map(executable_name).filter(|stem| !stem.is_empty());
        let name = match (package, source, stem) {
            (Some(package), Some("src/lib.rs"), _) => format!("{package} (lib)"),
            (Some(package), Some(source), _) => format!("{package} {source}"),
            // A library and a program of the same name cannot be distinguished.
            (Some(package), None, Some(stem)) if stem == package.replace('-', "_") => {
                format!("{package} (unit tests)")
            }
            (Some(package), None, Some(stem)) => format!("{package} ({stem})"),
            (Some(package), None, None) => package.to_owned(),
            (None, _, Some(stem)) => stem.to_owned(),
            (None, Some(source), None) => source.to_owned(),
            (None, None, None) => "(no name)".to_owned(),
        };
        clean(&name)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match (self.figures.signal, self.about.exit_status) {
            (Some(_), _) => Outcome::Crashed,
            (None, Some(0)) => Outcome::Passed,
            (None, Some(_)) => Outcome::Failed,
            (None, None) => Outcome::Unfinished,
        }
    }

    /// Returns whether it has a bad outcome, and none of its recorded tests has one.
    pub(crate) fn is_bad_by_itself(&self) -> bool {
        self.outcome().is_bad() && self.about.tests_bad.unwrap_or_default() == 0
    }

    /// Returns whether the harness records every test of it that runs.
    pub(crate) fn is_instrumented(&self) -> bool {
        self.about.target.is_some() && self.about.not_instrumented.is_none()
    }

    /// Returns whether it is known that none of its tests was recorded.
    pub(crate) fn is_without_tests(&self) -> bool {
        self.about.tests == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(line: &str) -> Binary {
        let about = serde_json::from_str(line).unwrap();
        Binary { about, figures: serde_json::from_str(line).unwrap() }
    }

    #[test]
    fn a_name_says_what_is_known() {
        for (line, name) in [
            (r#"{"package":"my-shop","source":"src/lib.rs"}"#, "my-shop (lib)"),
            (r#"{"package":"shop","source":"tests/api.rs"}"#, "shop tests/api.rs"),
            (
                r#"{"package":"my-shop","executable":"/t/deps/my_shop-0123456789abcdef"}"#,
                "my-shop (unit tests)",
            ),
            (r#"{"package":"shop","executable":"/t/deps/api-0123456789abcdef"}"#, "shop (api)"),
            (r#"{"executable":"C:\\t\\api-0123456789abcdef.exe"}"#, "api"),
            (r#"{"executable":"/t/by-hand"}"#, "by-hand"),
            (r#"{"package":"shop"}"#, "shop"),
            (r#"{"package":"","source":"","executable":"/"}"#, "(no name)"),
            (r#"{"package":"\u001b[2J"}"#, "\u{fffd}[2J"),
        ] {
            assert_eq!(binary(line).name(), name, "{line}");
        }
    }

    #[test]
    fn how_it_ended_is_told_once() {
        for (line, outcome, alone) in [
            (r#"{"exit_status":0}"#, Outcome::Passed, false),
            (r#"{"exit_status":101,"tests":3}"#, Outcome::Failed, true),
            (r#"{"exit_status":101,"tests":3,"tests_bad":1}"#, Outcome::Failed, false),
            (r#"{"signal":6,"tests":0,"tests_bad":0}"#, Outcome::Crashed, true),
            (r#"{"signal":6,"tests":1,"tests_bad":1}"#, Outcome::Crashed, false),
            ("{}", Outcome::Unfinished, true),
        ] {
            let binary = binary(line);
            assert_eq!((binary.outcome(), binary.is_bad_by_itself()), (outcome, alone), "{line}");
        }
    }
}
