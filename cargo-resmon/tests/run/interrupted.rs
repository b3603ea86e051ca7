//! Ctrl-C on a terminal, and signals from other processes.

use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Command, ExitStatus, Stdio},
    ptr,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Suite, has_nextest, one_session,
    support::{Fixture, Gate, Record, Records, Server, wait_for},
};

/// Opens a terminal. Returns the side of the test, then the side of the programs.
fn terminal() -> (File, OwnedFd) {
    let (mut ours, mut theirs) = (0, 0);
    // SAFETY: the pointers are to values of our own, or null where that is allowed.
    let opened = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(opened, 0);
    // SAFETY: both are new and belong to nothing else.
    unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) }
}

/// Prepares `cargo resmon` on a terminal of its own. Returns the test's side of it, then the command.
fn on_terminal(suite: &Suite, arguments: &[&str], gate: &Gate) -> (File, Command) {
    let (ours, theirs) = terminal();
    let stream = || Stdio::from(theirs.try_clone().expect("a descriptor can be copied"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    command
        .arg("resmon")
        .args(arguments)
        .current_dir(suite.fixture.folder())
        .env("CARGO_TARGET_DIR", Fixture::target())
        .env("RESMON_SPOOL_DIR", suite.folder.path().join("spool"))
        .env("RESMON_INSTRUMENT", "0")
        .env("FIXTURE_GATE", gate.address())
        .env("TERM", "xterm")
        .stdin(stream())
        .stdout(stream())
        .stderr(stream());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("NEXTEST") {
            command.env_remove(name);
        }
    }
    let master = ours.as_raw_fd();
    // SAFETY: these calls are among those that may be made between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::close(master);
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            Ok(())
        });
    }
    (ours, command)
}

/// Runs `cargo resmon` on a terminal, and presses Ctrl-C when `waiting` tests are at the gate. Returns how the program
/// ended and the terminal's text.
fn interrupt(
    suite: &Suite,
    server: &Server,
    arguments: &[&str],
    waiting: usize,
) -> (ExitStatus, String) {
    let gate = Gate::closed();
    let (mut ours, mut command) = on_terminal(suite, arguments, &gate);
    command.env("TINYBIRD_WRITE_TOKEN", "a-token").env("TINYBIRD_API_URL", server.url());
    let mut child = command.spawn().expect("it was built");
    drop(command);
    let (sender, text) = mpsc::channel();
    let mut reader = ours.try_clone().expect("a descriptor can be copied");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // Reading a terminal whose other side is closed is an error.
        let _ = reader.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    let at_gate = gate.wait_for(waiting);
    ours.write_all(b"\x03").expect("the terminal is there");
    let status = child.wait().expect("the child is ours");
    drop(at_gate);
    (status, text.recv_timeout(Duration::from_secs(60)).expect("nobody holds the terminal"))
}

#[test]
fn ctrl_c_ends_cargo_test_in_a_delivered_session() {
    let suite = Suite::new();
    let server = Server::accepting();
    let arguments = ["test", "--offline", "--package=marked", "--test=more", "waits"];
    let (status, text) = interrupt(&suite, &server, &arguments, 1);
    assert_eq!(status.signal(), Some(libc::SIGINT), "{text}");
    assert!(text.contains("\u{1b}["), "Cargo knows that it is on a terminal: {text:?}");
    let records = server.records();
    assert_eq!(records.end().int("exit_status"), 128 + i64::from(libc::SIGINT));
    let waits = records.test("waits");
    assert_eq!((waits.outcome(), waits.int("signal")), ("crashed", i64::from(libc::SIGINT)));
    assert_eq!(records.distinct("session_id").len(), 1);
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn ctrl_c_ends_a_test_that_the_harness_measures() {
    let suite = Suite::new();
    let server = Server::accepting();
    let arguments = ["test", "--instrument", "--offline", "--package=plain", "--lib", "waits"];
    let (status, text) = interrupt(&suite, &server, &arguments, 1);
    assert_eq!(status.signal(), Some(libc::SIGINT), "{text}");
    let records = server.records();
    let tests = one_session(&records, 128 + i64::from(libc::SIGINT));
    assert_eq!(tests, [("plain/src/lib.rs::tests::waits", "crashed")]);
    assert_eq!(records.tests()[0].int("signal"), i64::from(libc::SIGINT));
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn ctrl_c_ends_nextest_in_a_delivered_session() {
    if !has_nextest() {
        return;
    }
    let suite = Suite::new();
    let server = Server::accepting();
    let arguments = ["nextest", "run", "--offline", "--workspace", "-j4", "-E", "test(waits)"];
    let (status, text) = interrupt(&suite, &server, &arguments, 2);
    assert_eq!(status.code(), Some(100), "{text}");
    let records = server.records();
    let tests = one_session(&records, 100);
    let crashed =
        [("marked/tests/more.rs::waits", "crashed"), ("plain/src/lib.rs::tests::waits", "crashed")];
    assert_eq!(tests, crashed);
    for test in records.tests() {
        assert_eq!(test.int("signal"), i64::from(libc::SIGINT));
    }
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn a_signal_to_this_process_alone_is_handed_on() {
    let suite = Suite::new();
    let gate = Gate::closed();
    let Some(run) = suite.nextest(&["--package=plain", "-E", "test(waits)"]) else { return };
    let running = run.env("FIXTURE_GATE", gate.address()).start();
    let at_gate = gate.wait_for(1);
    // SAFETY: sends a signal to a process of ours.
    unsafe { libc::kill(running.id().try_into().expect("a process id"), libc::SIGTERM) };
    running.finish().exits(100);
    drop(at_gate);
    let records: Records = suite.records();
    assert_eq!(one_session(&records, 100), [("plain/src/lib.rs::tests::waits", "crashed")]);
    let signal = |test: &&Record| test.int("signal");
    assert_eq!(records.tests().iter().map(signal).collect::<Vec<_>>(), [i64::from(libc::SIGTERM)]);
}

fn terminate(id: u32) {
    // SAFETY: sends a signal to a process of ours.
    unsafe { libc::kill(id.try_into().expect("a process id"), libc::SIGTERM) };
}

/// Cargo dies of a signal and leaves its test binaries alone.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_to_this_process_alone_reaches_the_tests_of_cargo_test() {
    let suite = Suite::new();
    let gate = Gate::closed();
    let run = suite.test(&["--package=marked", "--test=more", "--", "waits"]);
    let mut running = run.env("FIXTURE_GATE", gate.address()).start();
    let at_gate = gate.wait_for(1);
    terminate(running.id());
    let status = wait_for("the end of the run", || running.status());
    assert_eq!(status.signal(), Some(libc::SIGTERM));
    // The tests have ended as well, although nobody has opened the gate.
    running.finish();
    drop(at_gate);
    let records = suite.records();
    assert_eq!(one_session(&records, 128 + 15), [("marked/tests/more.rs::waits", "crashed")]);
    assert_eq!(records.tests()[0].int("signal"), i64::from(libc::SIGTERM));
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_test_that_outlives_the_signal_is_recorded_by_the_next_run() {
    let suite = Suite::new();
    let gate = Gate::closed();
    let arguments = ["--package=marked", "--test=more", "--", "--ignored", "stands_firm"];
    let mut running = suite.test(&arguments).env("FIXTURE_GATE", gate.address()).start();
    let at_gate = gate.wait_for(1);
    let status = wait_for("the end of the run", || {
        terminate(running.id());
        running.status()
    });
    assert_eq!(status.signal(), Some(libc::SIGTERM));
    assert!(running.stderr().contains("tests are still running"), "{}", running.stderr());
    assert_eq!(one_session(&suite.records(), 128 + 15), []);
    drop(at_gate);
    running.finish();
    suite.test(&["--package=marked", "--lib", "--", "passes"]).finish().exits(0);
    let records = suite.records();
    assert_eq!(records.test("stands_firm").outcome(), "passed");
    assert_eq!(records.tests().len(), 2);
    assert_eq!(suite.spool(), [""; 0]);
}

#[test]
fn a_signal_ends_the_delivery_and_loses_nothing() {
    let suite = Suite::new();
    let server = Server::deaf();
    let run = suite.test(&["--package=marked", "--lib", "--", "--skip=wobbles"]);
    let run = run.env("TINYBIRD_WRITE_TOKEN", "a-token").env("TINYBIRD_API_URL", server.url());
    let mut running = run.env("RESMON_FLUSH_TIMEOUT", "300").start();
    let is_delivering = || {
        let spool = suite.spool();
        spool.iter().any(|name| name.ends_with(".ndjson"))
            && !spool.iter().any(|name| name.ends_with(".intake") || name.ends_with(".session"))
    };
    wait_for("the delivery", || is_delivering().then_some(()));
    let start = Instant::now();
    let status = wait_for("the end of the run", || {
        terminate(running.id());
        running.status()
    });
    assert_eq!(status.signal(), Some(libc::SIGTERM));
    assert!(start.elapsed() < Duration::from_secs(60));
    let spool = suite.spool();
    let segment = spool.iter().find(|name| name.ends_with(".ndjson")).expect("not delivered");
    let records = Records::of_file(suite.folder.path().join("spool").join(segment));
    assert_eq!(records.tests().len(), 2);
    assert_eq!(records.end().int("exit_status"), 0);
}

#[test]
fn a_signal_to_all_of_the_group_comes_once() {
    if !has_nextest() {
        return;
    }
    let suite = Suite::new();
    let gate = Gate::closed();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-resmon"));
    command
        .args(["resmon", "nextest", "run", "--offline", "--package=plain", "--run-ignored=only"])
        .args(["-E", "test(stands_firm)"])
        .current_dir(suite.fixture.folder())
        .env("CARGO_TARGET_DIR", Fixture::target())
        .env("RESMON_SPOOL_DIR", suite.folder.path().join("spool"))
        .env("RESMON_FILE", suite.file())
        .env("FIXTURE_GATE", gate.address())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = command.spawn().expect("it was built");
    drop(gate.wait_for(1));
    let start = Instant::now();
    // SAFETY: sends a signal to processes of ours.
    unsafe { libc::kill(-libc::pid_t::try_from(child.id()).expect("a process id"), libc::SIGTERM) };
    assert_eq!(child.wait().expect("the child is ours").code(), Some(100));
    // A second signal would make nextest kill the test at once.
    assert!(start.elapsed() > Duration::from_millis(900), "{:?}", start.elapsed());
    let records = suite.records();
    assert_eq!(one_session(&records, 100), [("plain/src/lib.rs::tests::stands_firm", "crashed")]);
}

#[test]
fn a_terminal_that_is_closed_ends_the_session() {
    let suite = Suite::new();
    let gate = Gate::closed();
    let id = format!("closed-{}", std::process::id());
    let flag = format!("--run-id={id}");
    let arguments = [&flag, "test", "--offline", "--package=marked", "--test=more", "waits"];
    let (ours, mut command) = on_terminal(&suite, &arguments, &gate);
    let mut child = command.spawn().expect("it was built");
    drop(command);
    let at_gate = gate.wait_for(1);
    drop(ours);
    // The terminal is gone when the program prints where the run is kept. That must not be a panic.
    assert_eq!(child.wait().expect("the child is ours").signal(), Some(libc::SIGHUP));
    drop(at_gate);
    let runs = Fixture::target().join("resmon/runs");
    let mut runs: Vec<_> = runs.read_dir().expect("made by this run").flatten().collect();
    runs.sort_by_key(std::fs::DirEntry::file_name);
    let texts = runs.iter().rev().filter_map(|run| std::fs::read_to_string(run.path()).ok());
    let text = texts.into_iter().find(|text| text.contains(&format!("\"run_id\":\"{id}\"")));
    let text = text.expect("it is kept");
    let records = text.lines().filter(|line| crate::is_of_the_table(line));
    let records = Records(records.map(Record::parse).collect());
    assert_eq!(records.end().int("exit_status"), 128 + i64::from(libc::SIGHUP));
    assert_eq!(records.test("waits").int("signal"), i64::from(libc::SIGHUP));
}
