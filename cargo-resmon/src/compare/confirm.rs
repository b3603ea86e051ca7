//! The runs of `--confirm`: tests that seem to exceed a limit are run again on this machine, before the comparison fails.
//! Others run with them, which tell the speed of the machine at that moment.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use resmon_record::config::{FILE, RUN_ID, TOKEN};

use super::comparison::{Comparison, LEAST, State, TestChange};
use super::metric::Metric;
use super::side::runs_of;
use crate::input::Input;
use crate::message;
use crate::report::run::Run;
use crate::report::test::Key;
use crate::report::units::{count, with_spaces};
use crate::run_store::CONFIRMING;

/// The number of other tests to run beside the suspects: those that take the least time.
const OTHERS: usize = 20;

/// The tests to run again.
#[derive(Debug)]
pub(super) struct Suspects {
    suspects: Vec<Key>,
    others: Vec<Key>,
}

impl Suspects {
    /// Returns the suspects of a comparison; `None` if there are none.
    pub(super) fn of(comparison: &Comparison<'_>) -> Option<Self> {
        let is_suspect = |test: &&TestChange| {
            test.mute.is_none() && test.changes.iter().any(|change| change.is_suspect)
        };
        let suspects: Vec<_> =
            comparison.tests.iter().filter(is_suspect).map(|test| test.key.clone()).collect();
        let mut others: Vec<(f64, &Key)> = comparison
            .tests
            .iter()
            .filter(|test| !is_suspect(test))
            .filter(|test| test.base == Some(State::Passes) && test.head == Some(State::Passes))
            .filter_map(|test| {
                let time = test.changes.iter().find(|change| change.metric == Metric::Time)?;
                Some((time.base.filter(|seconds| *seconds >= LEAST)?, &test.key))
            })
            .collect();
        others.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let others = others.into_iter().take(OTHERS).map(|(_, key)| key.clone()).collect();
        (!suspects.is_empty()).then_some(Self { suspects, others })
    }

    /// Runs them so many times by `cargo resmon` with the arguments in `command`. Returns the runs, the oldest first.
    pub(super) fn run(&self, times: usize, command: &[OsString]) -> anyhow::Result<Vec<Run>> {
        let (suspects, others) =
            (count(self.suspects.len(), "suspect"), count(self.others.len(), "other test"));
        message::say(with_spaces(&format!(
            "running {suspects} again, {times} times, with {others} that tell the speed of this machine"
        )));
        let folder = tempfile::tempdir().context("cannot create a directory for records")?;
        let file = folder.path().join("records.ndjson");
        for time in 1..=times {
            self.run_once(time, &file, command)?;
        }
        ensure!(file.exists(), "no test was recorded when the suspects were run again");
        let mut runs = runs_of(&[Input::File(file)])?;
        runs.reverse();
        Ok(runs)
    }

    fn run_once(&self, time: usize, file: &Path, command: &[OsString]) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut run = Command::new(program);
        run.arg("resmon").args(self.arguments(command));
        run.env(FILE, file).env(RUN_ID, format!("confirm-{}-{time}", std::process::id()));
        run.env(CONFIRMING, "1").env_remove(TOKEN).env_remove("GITHUB_STEP_SUMMARY");
        // Stdout belongs to the comparison.
        let stderr = io::stderr().as_fd().try_clone_to_owned().context("cannot use stderr")?;
        run.stdin(Stdio::null()).stdout(stderr);
        // A test that fails is in the records.
        run.status().context("cannot run the suspects again")?;
        Ok(())
    }

    /// Returns the arguments that run these tests only.
    fn arguments(&self, command: &[OsString]) -> Vec<OsString> {
        let keys = || self.suspects.iter().chain(&self.others);
        let end = command.iter().position(|argument| argument == "--").unwrap_or(command.len());
        let (own, rest) = command.split_at(end);
        let mut arguments = own.to_vec();
        let subcommand =
            own.iter().find(|word| ["test", "t", "nextest"].iter().any(|name| *word == name));
        if subcommand.is_some_and(|name| name == "nextest") {
            let filters: Vec<_> = keys().map(filter).collect();
            arguments.extend(["-E".into(), filters.join(" | ").into()]);
            arguments.extend_from_slice(rest);
        } else {
            arguments.push("--".into());
            arguments.extend_from_slice(rest.get(1..).unwrap_or_default());
            arguments.push("--exact".into());
            arguments.extend(keys().map(|key| name(key).into()));
        }
        arguments
    }
}

/// Returns the name of a test as its binary knows it: the id without the file.
fn name(key: &Key) -> &str {
    key.id.split_once("::").map_or(key.id.as_str(), |(_, name)| name)
}

/// Returns the test as a filter of nextest.
fn filter(key: &Key) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace(')', "\\)");
    let name = escape(name(key));
    match &key.target {
        Some(target) => format!("(binary_id(={}) & test(={name}))", escape(target)),
        None => format!("test(={name})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(command: &str) -> String {
        let key = |id: &str, target: Option<&str>| Key {
            id: id.to_owned(),
            package: Some("shop".to_owned()),
            target: target.map(str::to_owned),
        };
        let suspects = vec![key("tests/api.rs::orders::slow", Some("shop::api"))];
        let suspects = Suspects { suspects, others: vec![key("src/lib.rs::case(1)", None)] };
        let command: Vec<_> = command.split_whitespace().map(OsString::from).collect();
        suspects.arguments(&command).join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn only_these_tests_run_again() {
        let names = "--exact orders::slow case(1)";
        assert_eq!(arguments("test"), format!("test -- {names}"));
        assert_eq!(
            arguments("test --heap -p shop -- --test-threads=1"),
            format!("test --heap -p shop -- --test-threads=1 {names}")
        );
        assert_eq!(arguments("test -p nextest"), format!("test -p nextest -- {names}"));
        assert_eq!(
            arguments("nextest run --profile ci"),
            "nextest run --profile ci -E (binary_id(=shop::api) & test(=orders::slow)) | test(=case(1\\))"
        );
    }
}
