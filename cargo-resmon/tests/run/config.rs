//! Cargo's configuration reaches `cargo resmon` as it reaches Cargo, nextest and the tests.

use std::{fs, path::Path};

use tempfile::tempdir;

use crate::{
    Records, has_nextest,
    package::{Package, is_measured, shown, who_ran},
    support::{Run, host},
};

fn subcommands() -> Vec<&'static str> {
    if has_nextest() { vec!["test", "nextest"] } else { vec!["test"] }
}

fn runner_variable() -> String {
    format!("CARGO_TARGET_{}_RUNNER", host().to_uppercase().replace('-', "_"))
}

#[test]
fn a_runner_on_the_command_line_goes_on_running_the_tests() {
    let package = Package::new(&[]);
    let list = |value: &str| format!("target.{}.runner=['env','RAN_BY={value}']", host());
    let text = format!("target.{}.runner='env RAN_BY=text'", host());
    let (one, two) = (list("one"), list("two"));
    let cfg = "target.'cfg(unix)'.runner=['env','RAN_BY=cfg']";
    let no = "target.'cfg(windows)'.runner=['env','RAN_BY=windows']";
    for subcommand in subcommands() {
        package.runs(subcommand, &["--config", &one], Some("one"));
        package.runs(subcommand, &["--config", &text], Some("text"));
        package.runs(subcommand, &["--config", cfg], Some("cfg"));
        package.runs(subcommand, &["--config", no], None);
        // The last one counts for Cargo, and the first one for nextest.
        let winner = if subcommand == "test" { "two" } else { "one" };
        package.runs(subcommand, &["--config", &one, "--config", &two], Some(winner));
        // A variable wins over `cfg` for Cargo only, and over a triple for none of them.
        let with_variable = |run: Run| run.env(&runner_variable(), "env RAN_BY=variable");
        package.runs_with(subcommand, &["--config", &one], Some("one"), with_variable);
        let winner = if subcommand == "test" { "variable" } else { "cfg" };
        package.runs_with(subcommand, &["--config", cfg], Some(winner), with_variable);
    }
}

#[test]
fn a_runner_in_a_file_on_the_command_line_starts_from_its_folder() {
    let script = "#!/bin/sh\nRAN_BY=script exec \"$@\"\n";
    let package = Package::new(&[
        ("ci/runner.toml", &format!("[target.{}]\nrunner = 'ci/run.sh'\n", host())),
        ("ci/run.sh", script),
        (".cargo/config.toml", &format!("[target.{}]\nrunner = 'no-such-runner'\n", host())),
    ]);
    for subcommand in subcommands() {
        package.runs(subcommand, &["--config", "ci/runner.toml"], Some("script"));
    }
}

#[test]
fn a_runner_in_an_included_file_runs_the_tests_of_cargo() {
    let package = Package::new(&[
        (
            ".cargo/config.toml",
            "include = ['first.toml', { path = '../ci/last.toml' }, { path = 'none.toml', optional = true }]\n",
        ),
        (".cargo/first.toml", "[target.'cfg(unix)']\nrunner = ['env', 'RAN_BY=first']\n"),
        ("ci/last.toml", "include = ['more.toml']\n"),
        ("ci/more.toml", "[target.'cfg(unix)']\nrunner = ['env', 'RAN_BY=last']\n"),
    ]);
    for subcommand in subcommands() {
        let run = package.same_as_plain(&shown(subcommand, &[]), |run| run);
        assert!(is_measured(&run), "{}", run.stderr);
        // An older Cargo follows no `include`, and nextest neither.
        assert!([None, Some("last")].contains(&who_ran(&run)), "{}", run.stdout);
    }
}

#[test]
fn variables_in_the_configuration_are_those_of_the_run() {
    let package = Package::new(&[]);
    let file = package.suite.file();
    let config = format!(
        "[env]\nRESMON_FILE = {file:?}\nRESMON_RUN_ID = {{ value = 'forced', force = true }}\n\
         RESMON_SPOOL_DIR = {{ value = 'elsewhere', relative = true, force = true }}\nRAN_BY = 'env'\n"
    );
    package.write(".cargo/config.toml", &config);
    for subcommand in subcommands() {
        let prepare = |run: Run| run.env("RESMON_RUN_ID", "mine");
        let run = package.same_as_plain(&shown(subcommand, &[]), prepare);
        assert_eq!(who_ran(&run), Some("env"));
        let records = Records::of_file(&file);
        assert_eq!(records.distinct("run_id"), ["forced"]);
        assert!(package.folder().join("elsewhere").is_dir());
        fs::remove_file(&file).expect("it was there");
    }
    // A variable that is set wins, and so does a flag.
    let other = package.outside().join("other.ndjson");
    for (flag, value) in [(None, other.as_path()), (Some(&other), Path::new(""))] {
        let flag = flag.map(|path| format!("--file={}", path.display()));
        let arguments = flag.iter().map(String::as_str).chain(["test", "--offline", "--lib"]);
        let run = package.suite.resmon(&arguments.collect::<Vec<_>>());
        run.env("RESMON_FILE", value).finish().exits(0);
        assert!(!Records::of_file(&other).is_empty() && !file.exists());
        fs::remove_file(&other).expect("it was there");
    }
    package.write(".cargo/config.toml", "[env]\nRESMON_DISABLE = '1'\n");
    let run = package.same_as_plain(&shown("test", &[]), |run| run);
    assert!(run.is_quiet(), "{}", run.stderr);
}

#[test]
fn doctor_says_which_variables_are_of_the_configuration() {
    let package = Package::new(&[(".cargo/config.toml", "[env]\nRESMON_BATCH_SIZE = '7'\n")]);
    let run = package.suite.resmon(&["doctor"]).finish();
    let line = run.stdout.lines().find(|line| line.contains("RESMON_BATCH_SIZE"));
    assert!(line.is_some_and(|line| line.contains("[env]")), "{}", run.stdout);
}

#[test]
fn a_run_is_kept_in_the_target_directory_of_the_command_line() {
    let package = Package::new(&[]);
    let target = tempdir().expect("a folder of our own");
    let target = target.path().to_str().expect("text");
    let config = format!("build.target-dir={target:?}");
    for subcommand in subcommands() {
        for options in [["--target-dir", target], ["--config", &config]] {
            let prepare = |run: Run| run.env_remove("CARGO_TARGET_DIR").env("RESMON_SPOOL_DIR", "");
            package.runs_with(subcommand, &options, None, prepare);
            let runs = Path::new(target).join("resmon/runs");
            assert_eq!(runs.read_dir().expect("it was made").count(), 1);
            assert!(!package.folder().join("target").exists());
            fs::remove_dir_all(runs).expect("it was there");
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_left_to_cargo() {
    let package = Package::new(&[(".cargo/config.toml", "[target\n")]);
    let run = package.same_as_plain(&shown("test", &[]), |run| run);
    assert_eq!(run.code, Some(101));
    let warnings = run.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("nothing is recorded"), "{warnings:?}");
}
