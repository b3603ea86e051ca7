//! The arguments of the wrapped command. They are inspected, and passed on unchanged.

use std::ffi::{OsStr, OsString};

/// The options of nextest that may stand before its subcommand, with a value of their own.
const NEXTEST_OPTIONS: [&str; 7] = [
    "--color",
    "--config-file",
    "--manifest-path",
    "--profile",
    "--tool-config-file",
    "--user-config-file",
    "-P",
];

/// The arguments of the wrapped command
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Wrapped {
    /// Arguments to pass on unchanged
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Wrapped {
    /// Restores a leading `--`, which the parser consumes. `all` are the arguments of this program, which end with
    /// these.
    pub(crate) fn whole(mut self, all: &[OsString]) -> Self {
        let before = all.len().checked_sub(self.arguments.len() + 1);
        if let Some(separator) = before.map(|place| &all[place]).filter(|word| *word == "--") {
            self.arguments.insert(0, separator.clone());
        }
        self
    }

    pub(crate) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Splits the arguments into those for Cargo or nextest and those for the test binaries.
    fn split(&self) -> (&[OsString], &[OsString]) {
        let end = self.arguments.iter().position(|argument| argument == "--");
        let end = end.unwrap_or(self.arguments.len());
        (&self.arguments[..end], self.arguments.get(end + 1..).unwrap_or_default())
    }

    /// Returns whether the command builds tests, to run them or not.
    pub(crate) fn builds_tests(&self, subcommand: &str) -> bool {
        let builds = ["run", "r", "list", "l"];
        !has(self.split().0, &["--help", "-h", "--version", "-V"])
            && (subcommand != "nextest"
                || self
                    .nextest_command()
                    .is_some_and(|name| builds.iter().any(|word| name == *word)))
    }

    /// Returns whether Cargo must not use the network.
    pub(crate) fn is_offline(&self) -> bool {
        has(self.split().0, &["--offline", "--frozen"])
    }

    /// Returns whether the command runs tests, rather than only lists or builds them.
    pub(crate) fn runs_tests(&self, subcommand: &str) -> bool {
        let (own, binaries) = self.split();
        if has(own, &["--no-run", "--help", "-h", "--version", "-V", "--list"])
            || has(binaries, &["--list", "--help", "-h"])
        {
            return false;
        }
        subcommand != "nextest"
            || self.nextest_command().is_some_and(|name| name == "run" || name == "r")
    }

    /// Returns nextest's own subcommand.
    fn nextest_command(&self) -> Option<&OsStr> {
        self.nextest_place().map(|place| self.arguments[place].as_os_str())
    }

    /// Returns the place of the first argument that is neither an option of nextest nor the value of one.
    fn nextest_place(&self) -> Option<usize> {
        let mut arguments = self.split().0.iter().enumerate();
        while let Some((place, argument)) = arguments.next() {
            if NEXTEST_OPTIONS.iter().any(|option| argument == option) {
                arguments.next();
            } else if !argument.as_encoded_bytes().starts_with(b"-") {
                return Some(place);
            }
        }
        None
    }

    /// Returns the arguments with `--config` options added, at a place where they win over the user's: Cargo goes by the
    /// last one, nextest by the first one.
    pub(crate) fn with_options(&self, subcommand: &str, options: Vec<OsString>) -> Vec<OsString> {
        let place = match subcommand {
            "nextest" => self.nextest_place().map_or(0, |place| place + 1),
            _ => self.split().0.len(),
        };
        let mut arguments = self.arguments.clone();
        arguments.splice(place..place, options);
        arguments
    }

    /// Returns the option by which nextest starts tests in a debugger or a tracer, if it is there.
    pub(crate) fn interceptor(&self) -> Option<&'static str> {
        let options = ["--debugger", "--tracer"];
        options.into_iter().find(|option| !self.values(option).is_empty())
    }

    /// Returns whether nextest runs test binaries that were built elsewhere, such as those of an archive.
    pub(crate) fn reuses_build(&self) -> bool {
        let options = ["--archive-file", "--binaries-metadata"];
        options.into_iter().any(|option| !self.values(option).is_empty())
    }

    /// Returns the values of an option for Cargo, given as `--name value`, `--name=value`, or `-nvalue` of a short one.
    pub(crate) fn values(&self, name: &str) -> Vec<OsString> {
        let (own, _) = self.split();
        let is_short = !name.starts_with("--");
        let mut values = Vec::new();
        for (index, argument) in own.iter().enumerate() {
            if argument == name {
                values.extend(own.get(index + 1).cloned());
            } else if let Some(value) = argument
                .to_str()
                .and_then(|argument| argument.strip_prefix(name))
                .and_then(|rest| rest.strip_prefix('=').or_else(|| is_short.then_some(rest)))
            {
                values.push(value.into());
            }
        }
        values
    }
}

fn has(arguments: &[OsString], words: &[&str]) -> bool {
    arguments.iter().any(|argument| words.iter().any(|word| argument == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(line: &str) -> Wrapped {
        Wrapped { arguments: line.split_whitespace().map(Into::into).collect() }
    }

    #[test]
    fn what_runs_no_tests_is_told_from_what_does() {
        for line in
            ["", "--workspace name", "-- --nocapture", "--release --lib -- --skip --help-me"]
        {
            assert!(wrapped(line).runs_tests("test"), "{line}");
        }
        for line in ["--no-run", "-p a --help", "-h", "-- --list", "name -- --help"] {
            assert!(!wrapped(line).runs_tests("test"), "{line}");
        }
        for line in [
            "run",
            "r -p a",
            "--manifest-path list run",
            "--color=never run -- name",
            "--tool-config-file ci:/t.toml -P ci run",
        ] {
            assert!(wrapped(line).runs_tests("nextest"), "{line}");
        }
        for line in ["", "list", "--color run list", "archive", "run --no-run", "help run"] {
            assert!(!wrapped(line).runs_tests("nextest"), "{line}");
        }
    }

    #[test]
    fn what_only_builds_tests_is_instrumented_too() {
        for line in ["", "--no-run", "-- --list", "name -- --help"] {
            assert!(wrapped(line).builds_tests("test"), "{line}");
        }
        assert!(!wrapped("-h").builds_tests("test"));
        for (line, builds) in
            [("run --no-run", true), ("list", true), ("show-config", false), ("", false)]
        {
            assert_eq!(wrapped(line).builds_tests("nextest"), builds, "{line}");
        }
        assert!(wrapped("-p a --offline").is_offline() && !wrapped("-- --offline").is_offline());
    }

    #[test]
    fn options_of_cargo_are_found_and_those_of_tests_are_not() {
        let arguments = wrapped("--target a -p x --target=b --target-dir=t -- --target c");
        assert_eq!(arguments.values("--target"), ["a", "b"]);
        assert_eq!(arguments.values("--manifest-path"), [""; 0]);
        assert_eq!(wrapped("-Pa -P b -P=c --Pd").values("-P"), ["a", "b", "c"]);
    }

    #[test]
    fn options_are_added_where_they_win() {
        let with = |subcommand, line| {
            let added = wrapped(line).with_options(subcommand, vec!["--config".into(), "x".into()]);
            added.join(" ".as_ref()).into_string().unwrap()
        };
        assert_eq!(with("test", "-p a -- b"), "-p a --config x -- b");
        assert_eq!(with("test", ""), "--config x");
        assert_eq!(with("nextest", "-P ci run a -- b"), "-P ci run --config x a -- b");
    }

    #[test]
    fn what_begins_with_the_separator_keeps_it() {
        #[derive(clap::Parser)]
        struct Program {
            #[command(flatten)]
            wrapped: Wrapped,
        }
        for line in
            ["", "--", "-- --test-threads=1", "-- -- a", "a -- b", "-p a --", "--lib -- -- a"]
        {
            let words = line.split_whitespace();
            let all: Vec<OsString> = ["test"].into_iter().chain(words).map(Into::into).collect();
            let Program { wrapped } = clap::Parser::parse_from(&all);
            assert_eq!(wrapped.whole(&all).arguments(), &all[1..], "{line}");
        }
    }
}
