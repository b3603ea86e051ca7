//! Runs tests of this binary again in a new process, and compares resmon's records with libtest's output. Fixtures that
//! fail are ignored, so that only this module runs them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;

use serde_json::Value;

/// Outcome of each recorded test by its name, without the file in front.
type Outcomes = BTreeMap<String, String>;

/// Name and outcome of a test.
pub(crate) type Verdict = (String, String);

/// Runs the tests whose names begin with `filter`. Requires that they are those of `expected`, that each ran once and
/// was recorded once as a test of `file`, that resmon and libtest agree, and that each name selects that test alone.
pub(crate) fn check(file: &str, filter: &str, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|&(name, outcome)| (name.to_owned(), outcome.to_owned()));
    let expected: Outcomes = expected.collect();
    let (recorded, verdicts) = run(file, &[filter]);
    assert_eq!(recorded, expected);
    assert_eq!(verdicts.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, outcome) in &recorded {
        if outcome != "unknown" {
            assert_eq!(outcome, &verdicts[name], "resmon and libtest disagree about {name}");
        }
        let (alone, _) = run(file, &["--exact", name]);
        assert_eq!(alone, Outcomes::from([(name.clone(), outcome.clone())]));
    }
}

/// Does the same as [`check`] for tests that all pass, by their names within the module `filter`.
#[allow(dead_code)]
pub(crate) fn check_all_pass(file: &str, filter: &str, names: &[&str]) {
    let names: Vec<String> = names.iter().map(|name| format!("{filter}{name}")).collect();
    let expected: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "passed")).collect();
    check(file, filter, &expected);
}

/// Runs tests that are recorded and reported once each. Returns resmon's outcomes, then libtest's.
fn run(file: &str, arguments: &[&str]) -> (Outcomes, Outcomes) {
    let (recorded, verdicts) = all(file, arguments);
    (once_each(&recorded), once_each(&verdicts))
}

/// Runs tests. Returns what resmon recorded, then what libtest reported, each in its order.
pub(crate) fn all(file: &str, arguments: &[&str]) -> (Vec<Verdict>, Vec<Verdict>) {
    let records = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if ["NEXTEST", "RESMON_", "RUST_TEST", "TINYBIRD_"].iter().any(|own| name.starts_with(own))
        {
            command.env_remove(&*name);
        }
    }
    command.args(arguments).arg("--include-ignored").env("RESMON_FILE", records.path());
    let output = command.output().unwrap();
    let recorded = outcomes(file, &fs::read_to_string(&records).unwrap());
    (recorded, verdicts(&String::from_utf8_lossy(&output.stdout)))
}

fn once_each(outcomes: &[Verdict]) -> Outcomes {
    let map: Outcomes = outcomes.iter().cloned().collect();
    assert_eq!(map.len(), outcomes.len(), "twice: {outcomes:?}");
    map
}

fn outcomes(file: &str, records: &str) -> Vec<Verdict> {
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let tests = records.filter(|record| record["event_type"] == "test");
    let named = tests.map(|record| {
        let id = record["test_nodeid"].as_str().unwrap();
        let name = id.strip_prefix(&format!("{}::", file.replace('\\', "/"))).expect(id);
        (name.to_owned(), record["outcome"].as_str().unwrap().to_owned())
    });
    named.collect()
}

/// Parses lines such as `test name ... ok` and `test name - should panic ... FAILED`.
fn verdicts(stdout: &str) -> Vec<Verdict> {
    let lines = stdout.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "));
    let named = lines.map(|(name, verdict)| {
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        let outcome = if verdict == "ok" { "passed" } else { "failed" };
        assert_eq!(verdict == "ok", !verdict.starts_with("FAILED"));
        (name.to_owned(), outcome.to_owned())
    });
    named.collect()
}
