//! The reports and the help texts, whole: for the eye of whoever changes them.

use std::process::Command;

use serde_json::Value;

use crate::command::{Finish, Finished, report};
use crate::records::{Records, eventful, killed, of_binaries};

fn terminal(records: &Records) -> String {
    report(&records.write()).env("COLUMNS", "100").finish().printed()
}

#[test]
fn terminal_with_all_that_can_happen() {
    insta::assert_snapshot!(terminal(&eventful()));
}

#[test]
fn terminal_of_test_binaries() {
    insta::assert_snapshot!(terminal(&of_binaries()));
}

#[test]
fn terminal_of_a_build_and_of_deaths() {
    insta::assert_snapshot!(terminal(&killed()));
}

#[test]
fn markdown_of_a_build_and_of_deaths() {
    insta::assert_snapshot!(report(&killed().write()).arg("--markdown").finish().printed());
}

#[test]
fn json_of_a_build_and_of_deaths() {
    let printed = report(&killed().write()).arg("--json").finish().printed();
    let document: Value = serde_json::from_str(&printed).expect("it is JSON");
    let shown: serde_json::Map<_, _> = ["build", "deaths", "resources", "advice"]
        .map(|name| (name.to_owned(), document[name].clone()))
        .into_iter()
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown).expect("it was JSON"));
}

#[test]
fn markdown_with_all_that_can_happen() {
    insta::assert_snapshot!(report(&eventful().write()).arg("--markdown").finish().printed());
}

#[test]
fn json_with_all_that_can_happen() {
    let printed = report(&eventful().write()).arg("--json").finish().printed();
    let document: Value = serde_json::from_str(&printed).expect("it is JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("it was JSON"));
}

/// The help of `test` and `nextest` is that of the wrapped command.
#[test]
fn help() {
    for subcommand in ["", "report", "compare", "runs", "upload", "doctor"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
        command.arg("resmon").args(Some(subcommand).filter(|name| !name.is_empty()));
        let finished: Finished = command.arg("--help").env("COLUMNS", "100").finish();
        insta::assert_snapshot!(format!("help_{subcommand}"), finished.printed());
    }
}
