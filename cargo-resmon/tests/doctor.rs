//! `cargo resmon doctor`: its findings and exit codes. It sends no record.
#![cfg(unix)]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::{
    fs::{self, OpenOptions},
    path::Path,
    process::Command,
};

use serde_json::json;
use support::{Answer, Finished, Fixture, Run, Server, schema::columns};
use tempfile::{TempDir, tempdir};

const TOKEN: &str = "p.a-secret-token";

struct Doctor {
    fixture: Fixture,
    folder: TempDir,
}

impl Doctor {
    fn new() -> Self {
        let folder = tempdir().expect("a folder of our own");
        Self { fixture: Fixture::new("marked-and-plain"), folder }
    }

    fn run(&self, flags: &[&str], variables: &[(&str, &str)]) -> Finished {
        let run = Run::new(env!("CARGO_BIN_EXE_cargo-resmon")).arg("resmon").args(flags);
        let run = run.arg("doctor").folder(self.fixture.folder());
        let run = run.env("CARGO_TARGET_DIR", self.folder.path().join("target"));
        // `doctor` would build the harness, which is slow. One test switches that on.
        let run = run.env("RESMON_SPOOL_DIR", "").env("RESMON_INSTRUMENT", "0");
        let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
        let finished = run.finish();
        assert!(!finished.stdout.contains(TOKEN) && !finished.stderr.contains(TOKEN));
        finished
    }
}

/// Returns the kind and the text of the finding about `what`.
#[track_caller]
fn of<'a>(run: &'a Finished, what: &str) -> (&'a str, &'a str) {
    let mut lines = run.stdout.lines().filter_map(|line| {
        let (kind, rest) = line.split_once(' ')?;
        Some((kind, rest.trim_start().strip_prefix(what)?.strip_prefix(": ")?))
    });
    lines.next().unwrap_or_else(|| panic!("nothing of {what} in {}", run.stdout))
}

#[test]
fn without_variables_runs_are_kept() {
    let doctor = Doctor::new();
    let run = doctor.run(&[], &[]).exits(0);
    let (kind, output) = of(&run, "output");
    assert!(kind == "note" && output.contains("neither TINYBIRD_WRITE_TOKEN nor RESMON_FILE"));
    assert!(of(&run, "attribute").1.ends_with("in use by marked"));
    assert_eq!(of(&run, "spool directory").0, "ok");
    assert_eq!(of(&run, "runner").1, "none is configured");
    of(&run, "control group");
    of(&run, "nextest");
    assert!(!doctor.folder.path().join("target").exists(), "it makes nothing");
}

#[test]
fn the_harness_is_built_to_see_whether_it_can_be() {
    let doctor = Doctor::new();
    let run = doctor.run(&[], &[]).exits(0);
    assert!(of(&run, "harness").1.starts_with("switched off"));
    let run = doctor.run(&[], &[("RESMON_INSTRUMENT", "1")]).exits(0);
    let (kind, harness) = of(&run, "harness");
    assert!(kind == "ok" && harness.starts_with("can be built for rustc "), "{harness}");
    let how = of(&run, "instrumented build").1;
    assert!(how.contains("--no-instrument") && how.contains("RESMON_INSTRUMENT=0"), "{how}");
    assert!(!doctor.folder.path().join("target").exists(), "it leaves nothing");
    let run =
        doctor.run(&[], &[("RESMON_INSTRUMENT", "1"), ("RUSTC", "no-such-compiler")]).exits(1);
    assert_eq!(of(&run, "harness").0, "problem");
}

#[test]
fn a_file_is_tried_without_being_made() {
    let doctor = Doctor::new();
    let file = doctor.folder.path().join("deep/records.ndjson");
    let name = file.to_str().expect("text");
    let run = doctor.run(&[], &[("RESMON_FILE", name)]).exits(0);
    assert_eq!(of(&run, "output").0, "ok");
    assert!(!file.exists());
    let run = doctor.run(&["--file=Cargo.toml/x"], &[("TINYBIRD_WRITE_TOKEN", TOKEN)]).exits(1);
    assert_eq!(of(&run, "output").0, "problem");
    assert_eq!(of(&run, "TINYBIRD_WRITE_TOKEN").1, "set, but a flag wins over it");
}

#[test]
fn bad_values_are_problems_and_blank_ones_are_not() {
    let doctor = Doctor::new();
    let variables = [("RESMON_FILE", "/f"), ("RESMON_BATCH_SIZE", "x")];
    let run = doctor.run(&[], &variables).exits(1);
    assert!(of(&run, "variables").1.contains("RESMON_BATCH_SIZE is \"x\""));
    let run = doctor.run(&[], &[("TINYBIRD_WRITE_TOKEN", " ")]).exits(0);
    assert!(of(&run, "TINYBIRD_WRITE_TOKEN").1.contains("counts as unset"));
    let url = format!("http://host/{TOKEN}");
    let variables = [("TINYBIRD_WRITE_TOKEN", TOKEN), ("TINYBIRD_API_URL", &url)];
    let run = doctor.run(&[], &variables).exits(1);
    assert_eq!(of(&run, "TINYBIRD_API_URL").1, "set, and not shown");
}

/// Runs `doctor` against a server that gives these answers to the GET of the data source and to an empty POST.
fn asked(reading: Answer, writing: Answer) -> Finished {
    let server =
        Server::answering(
            move |_, request| {
                if request.method == "GET" { reading.clone() } else { writing.clone() }
            },
        );
    let url = server.url();
    let run = Doctor::new().run(
        &["--datasource=mine"],
        &[("TINYBIRD_WRITE_TOKEN", TOKEN), ("TINYBIRD_API_URL", &url)],
    );
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
        let target =
            if request.method == "GET" { "/v0/datasources/mine" } else { "/v0/events?name=mine" };
        assert_eq!((request.target.as_str(), request.body.as_str()), (target, ""));
    }
    assert_eq!(server.requests().len(), 2);
    run
}

#[test]
fn the_endpoint_is_asked_and_sent_no_record() {
    let all: Vec<_> = columns().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
    let body = |columns: &[serde_json::Value]| json!({"columns": columns}).to_string();
    let fits = || Answer::reply(200, &body(&all));
    let run = asked(fits(), Answer::accepted(0, 0)).exits(0);
    assert_eq!((of(&run, "data source").0, of(&run, "token").0), ("ok", "ok"));

    let run = asked(Answer::reply(200, &body(&all[1..])), Answer::accepted(0, 0)).exits(1);
    assert!(of(&run, "data source").1.contains("event_type is missing"), "{}", run.stdout);

    // The token may only append.
    let run = asked(Answer::status(403), Answer::accepted(0, 0)).exits(0);
    assert!(of(&run, "data source").1.starts_with("cannot tell"));

    let run =
        asked(Answer::status(403), Answer::reply(403, &format!("{{\"error\":\"bad {TOKEN}\"}}")));
    assert_eq!(of(&run.exits(1), "token").0, "problem");

    let run = asked(Answer::status(404), Answer::status(400)).exits(1);
    assert_eq!((of(&run, "data source").0, of(&run, "token").0), ("problem", "ok"));
}

#[test]
fn an_endpoint_that_is_not_there_is_a_problem() {
    let nobody = support::Nobody::listening();
    let url = nobody.url();
    let variables = [("TINYBIRD_WRITE_TOKEN", TOKEN), ("TINYBIRD_API_URL", url.as_str())];
    let run = Doctor::new().run(&[], &variables).exits(1);
    assert!(of(&run, "tinybird").1.contains("does not answer"));
}

#[test]
fn what_waits_is_counted_and_left() {
    let doctor = Doctor::new();
    let spool = doctor.folder.path().join("spool");
    fs::create_dir(&spool).expect("a folder of our own");
    let name = "0123456789ab0123456789abcdef-0123456789abcdef-0001.ndjson";
    fs::write(spool.join(name), "").expect("a folder of our own");
    let path = spool.to_str().expect("text");
    let run = doctor.run(&["--spool-dir", path], &[]).exits(0);
    assert!(
        of(&run, "spool directory").1.contains("records of 1 session wait there"),
        "{}",
        run.stdout
    );
    assert!(Path::new(path).join(name).exists());
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(&spool, open_to_all).expect("a folder of our own");
    let run = doctor.run(&["--spool-dir", path], &[]).exits(1);
    assert!(of(&run, "spool directory").1.ends_with("others may write to it"), "{}", run.stdout);
}

#[test]
fn a_token_that_cannot_be_used_is_not_said_to_be_missing() {
    let run = Doctor::new().run(&[], &[("TINYBIRD_WRITE_TOKEN", "two words")]).exits(1);
    assert_eq!(of(&run, "variables").0, "problem");
    let (kind, output) = of(&run, "output");
    assert!(kind == "note" && !output.contains("neither"), "{output}");
}

#[test]
fn a_named_pipe_is_no_reason_to_wait() {
    let doctor = Doctor::new();
    let pipe = doctor.folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("there is one").success());
    let variables = [("RESMON_FILE", pipe.to_str().expect("text"))];
    let run = doctor.run(&[], &variables).exits(1);
    let (kind, output) = of(&run, "output");
    assert!(kind == "problem" && output.ends_with("nobody reads from it"), "{output}");
    // Opened for both, it has a reader, and opening it does not block.
    let reader = OpenOptions::new().read(true).write(true).open(&pipe).expect("it is there");
    assert_eq!(of(&doctor.run(&[], &variables).exits(0), "output").0, "ok");
    drop(reader);
}

#[test]
fn the_name_of_the_data_source_is_one_part_of_a_url_and_does_not_reach_the_terminal_raw() {
    for (name, path) in [
        ("../../v0/sql?q=1", "%2E%2E%2F%2E%2E%2Fv0%2Fsql%3Fq%3D1"),
        ("ü b", "%C3%BC%20b"),
        ("a\u{1b}[2Jb", "a%1B%5B2Jb"),
    ] {
        let server = Server::accepting();
        let url = server.url();
        let variables = [("TINYBIRD_WRITE_TOKEN", TOKEN), ("TINYBIRD_API_URL", &*url)];
        let run = Doctor::new().run(&["--datasource", name], &variables);
        let requests = server.requests();
        assert_eq!(requests[0].target, format!("/v0/datasources/{path}"));
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{run:?}");
    }
}
