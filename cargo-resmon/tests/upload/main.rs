//! `cargo resmon upload`, to a server over a real socket.
#![cfg(unix)]

#[path = "../../../tests/support/mod.rs"]
mod support;

mod again;
mod inputs;

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Read,
    os::fd::{FromRawFd, OwnedFd},
    path::PathBuf,
    process::{Command, Stdio},
    ptr,
    time::Duration,
};

use serde_json::json;
use support::{Answer, Finished, Run, Server};
use tempfile::{TempDir, tempdir};

const TOKEN: &str = "p.a-secret-token";

/// A folder outside any workspace.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempdir().expect("a folder of our own"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::create_dir_all(self.path(name).with_file_name("")).expect("a folder of our own");
        fs::write(self.path(name), content).expect("a folder of our own");
    }

    /// Returns `cargo resmon upload`, to which arguments are to be added.
    fn command(&self, server: &Server) -> Run {
        let run = Run::new(env!("CARGO_BIN_EXE_cargo-resmon")).args(["resmon", "upload"]);
        let run = run.folder(self.0.path()).env("RESMON_SPOOL_DIR", self.path("state"));
        run.env("TINYBIRD_WRITE_TOKEN", TOKEN).env("TINYBIRD_API_URL", server.url())
    }

    fn upload(&self, server: &Server, paths: &[&str]) -> Finished {
        let finished = self.command(server).args(paths).finish();
        assert!(!finished.stdout.contains(TOKEN) && !finished.stderr.contains(TOKEN));
        finished
    }
}

/// Returns the command of an upload, for what [`Run`] cannot set.
fn plain_command(folder: &Folder, server: &Server, arguments: &[OsString]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    command
        .args(["resmon", "upload"])
        .args(arguments)
        .current_dir(folder.0.path())
        .env("RESMON_SPOOL_DIR", folder.path("state"))
        .env("TINYBIRD_WRITE_TOKEN", TOKEN)
        .env("TINYBIRD_API_URL", server.url());
    command
}

/// Returns test records with these numbers, each of `bytes` bytes or more.
fn records(numbers: std::ops::Range<usize>, bytes: usize) -> String {
    let common = json!({
        "timestamp": "2026-02-28T23:59:59.999+00:00", "batch_num": 1, "cpu_before": 0.0,
        "mem_available_before": 1, "mem_percent_before": 1.5, "disk_free_before": 1,
        "disk_percent_before": 1.5, "gh_run_id": "", "gh_sha": "", "gh_ref_name": "",
        "gh_workflow": "", "gh_job": "", "gh_actor": "", "gh_repository": "", "gh_run_attempt": "",
        "session_id": "s", "run_id": "r", "package": "p", "outcome": "crashed", "attempt": 1,
    });
    let common = common.to_string();
    let line = |number: usize| {
        let id = format!("tests/a.rs::{}{number}", "0".repeat(bytes));
        format!("{{\"event_type\":\"test\",\"test_nodeid\":\"{id}\",{}\n", &common[1..])
    };
    numbers.map(line).collect()
}

/// Returns the numbers of the tests whose records arrived, in order of arrival.
fn arrived(server: &Server) -> Vec<usize> {
    let records = server.records();
    records.tests().iter().map(|test| test.name().parse().expect("a number")).collect()
}

#[test]
fn what_arrived_is_not_sent_again() {
    let folder = Folder::new();
    let server = Server::accepting();
    folder.write("a.ndjson", &records(0..3, 1));
    let first = folder.upload(&server, &["a.ndjson"]).exits(0);
    assert_eq!(first.stdout, "a.ndjson: 3 accepted, 0 quarantined, 0 left\n");
    assert_eq!(first.stderr, "", "no bar where there is no terminal");
    let again = folder.upload(&server, &["a.ndjson"]).exits(0);
    assert_eq!(again.stdout, "a.ndjson: 0 accepted, 0 quarantined, 0 left, 3 sent before\n");
    folder.write("a.ndjson", &records(0..5, 1));
    let more = folder.upload(&server, &["a.ndjson"]).exits(0);
    assert_eq!(more.stdout, "a.ndjson: 2 accepted, 0 quarantined, 0 left, 3 sent before\n");
    assert_eq!(arrived(&server), [0, 1, 2, 3, 4]);
    // The file has the same name and other content.
    folder.write("a.ndjson", &records(7..9, 1));
    folder.upload(&server, &["a.ndjson"]).exits(0);
    assert_eq!(arrived(&server)[5..], [7, 8]);
    // The data source is another one.
    let other = Server::accepting();
    folder.upload(&other, &["a.ndjson"]).exits(0);
    assert_eq!(arrived(&other), [7, 8]);
}

#[test]
fn after_a_failure_it_goes_on_where_it_was() {
    let folder = Folder::new();
    // The file needs three requests of at most 1 MiB.
    folder.write("a.ndjson", &records(0..28, 100_000));
    let ok = Answer::accepted(11, 0);
    let server = Server::in_turn([ok, Answer::status(403)]);
    let before = fs::read(folder.path("a.ndjson")).expect("there");
    let first = folder.upload(&server, &["a.ndjson"]).exits(1);
    assert_eq!(first.stdout, "a.ndjson: 11 accepted, 0 quarantined, 17 left\n");
    assert!(first.stderr.contains("HTTP 403"), "{}", first.stderr);
    assert_eq!(server.requests().len(), 2, "no use in more");
    let second = folder.upload(&server, &["a.ndjson"]).exits(0);
    assert_eq!(second.stdout, "a.ndjson: 17 accepted, 0 quarantined, 0 left, 11 sent before\n");
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.body.len() < 2 << 20));
    let taken = requests.iter().enumerate().filter(|(number, _)| *number != 1);
    let taken: Vec<_> = taken.flat_map(|(_, request)| request.records().0).collect();
    assert_eq!(taken.len(), 28);
    assert_eq!(fs::read(folder.path("a.ndjson")).expect("there"), before);
}

#[test]
fn a_moment_of_trouble_is_no_failure() {
    let folder = Folder::new();
    folder.write("a.ndjson", &records(0..1, 1));
    let server = Server::in_turn([Answer::status(503)]);
    folder.upload(&server, &["a.ndjson"]).exits(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn quarantine_and_what_is_no_record_are_told() {
    let folder = Folder::new();
    let local = ["process", "build", "kill", "resources"]
        .map(|event| format!("{{\"event_type\":\"{event}\",\"duration_s\":1.0}}\n"))
        .concat();
    let torn = "{\"event_type\":\"te";
    let content = format!("hello\n\n{local}{}[1]\n{torn}", records(0..3, 1));
    folder.write("a.ndjson", &content);
    let server = Server::always(Answer::accepted(1, 2));
    let run = folder.upload(&server, &["a.ndjson"]).exits(1);
    let told = "a.ndjson: 1 accepted, 2 quarantined, 0 left, 4 kept here only, 2 not a record, \
                1 not complete yet\n";
    assert_eq!(run.stdout, told);
    let problem = "a.ndjson: 2 lines are not sent: the first, line 1, is not JSON: expected value";
    assert!(run.stderr.contains(problem), "{}", run.stderr);
    // The torn line may have been in the middle of a write.
    let whole = records(3..4, 1);
    folder
        .write("a.ndjson", &(content[..content.len() - torn.len()].to_owned() + whole.trim_end()));
    let server_of_old = server;
    folder.upload(&server_of_old, &["a.ndjson"]).exits(1);
    assert_eq!(arrived(&server_of_old), [0, 1, 2, 3]);
}

#[test]
fn a_directory_gives_its_files_and_a_spool_is_emptied() {
    let folder = Folder::new();
    let spooled = "spool/0123456789ab0123456789abcdef-0123456789abcdef-0001.ndjson";
    folder.write("spool/b.ndjson", &records(0..2, 1));
    folder.write(spooled, &records(2..4, 1));
    folder.write("spool/notes.txt", "no records");
    let failing = Server::always(Answer::status(400));
    let run = folder.upload(&failing, &["spool"]).exits(1);
    assert!(run.stdout.contains("in all: 0 accepted, 0 quarantined, 4 left\n"), "{}", run.stdout);
    assert!(folder.path(spooled).exists());
    let server = Server::accepting();
    let run = folder.upload(&server, &["spool"]).exits(0);
    let told = "spool/b.ndjson: 2 accepted, 0 quarantined, 0 left\n\
                spool: 2 accepted, 0 quarantined, 0 left\n\
                in all: 4 accepted, 0 quarantined, 0 left\n";
    assert_eq!(run.stdout, told);
    assert_eq!(arrived(&server), [0, 1, 2, 3]);
    assert!(!folder.path(spooled).exists() && folder.path("spool/b.ndjson").exists());
}

#[test]
fn what_cannot_be_is_told() {
    let folder = Folder::new();
    let server = Server::accepting();
    folder.write("empty/notes.txt", "");
    for (paths, problem) in [
        (&["nowhere.ndjson"][..], "cannot read \"nowhere.ndjson\""),
        (
            &["empty"],
            "holds no file of records: their names end in .ndjson, .ndjson.gz or .ndjson.zst",
        ),
    ] {
        let run = folder.upload(&server, paths).exits(1);
        assert!(run.stderr.contains(problem), "{}", run.stderr);
    }
    folder.write("Cargo.toml", "[package]\nname = \"shop\"\n");
    let run = folder.upload(&server, &["Cargo.toml"]).exits(1);
    assert!(
        run.stderr.contains("Cargo.toml holds no records of resmon: line 1 is not JSON"),
        "{}",
        run.stderr
    );
    folder.write("a.ndjson", &records(0..1, 1));
    let run = Run::new(env!("CARGO_BIN_EXE_cargo-resmon")).args(["resmon", "upload", "a.ndjson"]);
    let run = run.folder(folder.0.path()).finish().exits(1);
    assert!(run.stderr.contains("TINYBIRD_WRITE_TOKEN is not set"), "{}", run.stderr);
    assert!(server.requests().is_empty());
}

#[test]
fn a_bar_shows_on_a_terminal() {
    let folder = Folder::new();
    folder.write("a.ndjson", &records(0..28, 100_000));
    let server = Server::answering(|_, request| {
        let accepted = Answer::accepted(request.body.lines().count(), 0);
        Answer::After(Duration::from_millis(200), Box::new(accepted))
    });
    let (mut ours, mut theirs) = (0, 0);
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the pointers are to values of our own, or null where that is allowed.
    let opened = unsafe {
        libc::openpty(&raw mut ours, &raw mut theirs, ptr::null_mut(), ptr::null(), &raw const size)
    };
    assert_eq!(opened, 0);
    // SAFETY: both are new and belong to nothing else.
    let (mut ours, theirs) = unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
    let mut command = plain_command(&folder, &server, &["a.ndjson".into()]);
    command.env("TERM", "xterm").stdout(Stdio::piped()).stderr(theirs);
    let child = command.spawn().expect("it was built");
    drop(command);
    let mut shown = Vec::new();
    // Reading a terminal whose other side is closed is an error.
    let _ = ours.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("MiB") && shown.contains('█'), "{shown:?}");
    let output = child.wait_with_output().expect("the child is ours");
    assert_eq!(output.stdout, b"a.ndjson: 28 accepted, 0 quarantined, 0 left\n");
}
