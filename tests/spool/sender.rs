//! The sender: killed at any moment, missing, or shared by many processes.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{
    Endpoint, Place, TOKEN, duplicates,
    endpoint::State,
    key, of_session,
    suite::EARLY,
    summary,
    support::{Answer, Gate, Record, Records, Run, Server},
    whole,
};

/// Kills the sender `moment` after it started, and lets the next session deliver the rest.
fn killed_after(guards: usize, batch_size: usize, moment: Duration) -> Result<(), TestCaseError> {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    let running = place
        .to(&endpoint.url(), "suite::guards")
        .env("SUITE_GUARDS", guards.to_string())
        .env("RESMON_BATCH_SIZE", batch_size.to_string())
        .env("RESMON_FLUSH_TIMEOUT", "0.5")
        .start();
    place.wait_for_sender();
    // The moment is arbitrary.
    thread::sleep(moment);
    place.kill_sender_if_any();
    let run = running.finish().exits(0);
    place.settle();
    let arrived = endpoint.taken();
    let mut records = place.waiting();
    records.extend(arrived.iter().cloned());
    assert_each_is_there(guards, &records, &run.stderr)?;
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let taken = endpoint.taken();
    let ids = taken.iter().map(|record| record.text("session_id"));
    assert_each_is_there(guards, &of_session(&taken, ids.min().expect("some")), &run.stderr)?;
    // The sender may die between an answer and its note of it, so one request may be repeated.
    let twice: Vec<_> = duplicates(&taken).into_iter().map(key).collect();
    let requests = endpoint.requests_taken();
    let is_one = |request: &Vec<Record>| {
        let keys: Vec<_> = request.iter().map(key).collect();
        twice.iter().all(|key| keys.contains(key))
    };
    prop_assert!(requests.iter().any(is_one), "{:?}", twice);
    prop_assert!(place.names().is_empty(), "{:?}", place.names());
    Ok(())
}

fn assert_each_is_there(
    guards: usize,
    records: &[Record],
    stderr: &str,
) -> Result<(), TestCaseError> {
    let mut found = summary(records);
    found.sort();
    found.dedup();
    let mut expected: Vec<_> = (0..guards).map(|index| format!("g{index} passed")).collect();
    expected.extend(["session_start".to_owned(), "session_end 0".to_owned()]);
    expected.sort();
    prop_assert_eq!(found, expected, "{}", stderr);
    Ok(())
}

#[test]
fn no_moment_is_a_bad_one_for_it_to_be_killed() {
    let config = Config { cases: 10, failure_persistence: None, ..Config::default() };
    let strategy = (1..200_usize, 1..60_usize, 0..60_000_u64);
    TestRunner::new(config)
        .run(&strategy, |(guards, batch_size, micros)| {
            killed_after(guards, batch_size, Duration::from_micros(micros))
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_request_without_an_answer_is_made_again_by_the_next() {
    let (place, endpoint) = (Place::new(), Endpoint::new(State::Down(Answer::Silence)));
    let gate = Gate::closed();
    let running = place
        .to(&endpoint.url(), "suite::early::")
        .arg("suite::held::one")
        .env("SUITE_HELD", gate.address())
        .env("RESMON_FLUSH_TIMEOUT", "0.5")
        .start();
    let waiting = gate.wait_for(1);
    endpoint.wait_for_requests(1);
    place.kill_sender();
    endpoint.set(State::Up);
    // The other session goes on: it is neither reported as crashed nor forgotten.
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    drop(waiting);
    let run = running.finish().exits(0);
    assert!(run.warnings().len() <= 1, "{}", run.stderr);
    place.settle();
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let taken = endpoint.taken();
    assert!(duplicates(&taken).is_empty(), "{:#?}", duplicates(&taken));
    let first = taken.iter().map(|record| record.text("session_id")).min().expect("some");
    let mut expected = whole();
    expected.insert(EARLY + 1, "held::one passed".to_owned());
    assert_eq!(summary(&of_session(&taken, first)), expected);
    assert_eq!(taken.len(), EARLY + 3 + 3 + 3);
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Requires that the process that waits for delivery starts another sender without a warning.
#[test]
fn one_that_dies_is_replaced() {
    // A sender may also be killed before it has written that it is at work.
    for has_said_so in [true, false] {
        let (place, endpoint) = (Place::new(), Endpoint::up());
        let gate = Gate::closed();
        let run = place.to(&endpoint.url(), "suite::held::one");
        let running = run.env("SUITE_HELD", gate.address()).start();
        let waiting = gate.wait_for(1);
        place.kill_sender();
        if !has_said_so {
            fs::write(place.only(".sender"), "soon").expect("it is ours");
        }
        drop(waiting);
        let run = running.finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
        let mut told = summary(&endpoint.taken());
        // The first sender may have died before it could note that a record had arrived.
        told.dedup();
        assert_eq!(told, ["session_start", "held::one passed", "session_end 0"]);
        assert!(place.names().is_empty(), "{:?}", place.names());
    }
}

#[test]
fn one_serves_two_runs_at_once_and_each_destination_has_its_own() {
    let place = Place::new();
    let endpoints = [Endpoint::up(), Endpoint::up()];
    let gate = Gate::closed();
    let start = |endpoint: &Endpoint, run: &str| {
        place
            .to(&endpoint.url(), "suite::early::")
            .arg("suite::held::one")
            .env("SUITE_HELD", gate.address())
            .env("RESMON_RUN_ID", run)
            .start()
    };
    let running: Vec<_> = endpoints
        .iter()
        .flat_map(|endpoint| ["one", "two"].map(|run| start(endpoint, run)))
        .collect();
    let waiting = gate.wait_for(4);
    for endpoint in &endpoints {
        endpoint.wait_for_taken(2);
    }
    let senders = place.names().into_iter().filter(|name| name.ends_with(".sender")).count();
    assert_eq!(senders, 2);
    drop(waiting);
    for running in running {
        let run = running.finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
    }
    for endpoint in &endpoints {
        let taken = endpoint.taken();
        assert_eq!(taken.len(), 2 * (EARLY + 3));
        assert!(duplicates(&taken).is_empty(), "{:#?}", duplicates(&taken));
        for run in ["one", "two"] {
            let of_run = taken.iter().filter(|record| record.text("run_id") == run).count();
            assert_eq!(of_run, EARLY + 3);
        }
    }
    place.settle();
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Starts the process before the one that starts the sender. Its session is shorter than the interval at which the
/// sender looks for sessions.
#[test]
fn an_older_process_with_a_short_session_is_not_missed_and_waits_for_nobody() {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    let (plain, held) = (Gate::closed(), Gate::closed());
    let older = place
        .to(&endpoint.url(), "suite::late::plain")
        .arg("suite::very_last")
        .env("SUITE_PLAIN", plain.address())
        .env("RESMON_FLUSH_TIMEOUT", "60")
        .start();
    let waiting = plain.wait_for(1);
    let first = place
        .to(&endpoint.url(), "suite::held::one")
        .env("SUITE_HELD", held.address())
        .env("RESMON_FLUSH_TIMEOUT", "60")
        .start();
    let held = held.wait_for(1);
    endpoint.wait_for_taken(1);
    drop(waiting);
    let released = std::time::Instant::now();
    let run = older.finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert!(released.elapsed() < Duration::from_secs(30), "{:?}", released.elapsed());
    assert_eq!(endpoint.taken().len(), 1 + 3);
    drop(held);
    let run = first.finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_eq!(endpoint.taken().len(), 3 + 3);
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn what_is_refused_for_its_content_blocks_nothing() {
    let server = Server::answering(|_, request| {
        if request.body.contains("\"gh_sha\":\"old\"") {
            Answer::status(400)
        } else {
            Answer::accepted(request.body.lines().count(), 0)
        }
    });
    let place = Place::new();
    let down = Endpoint::down();
    // A session that could not deliver leaves these records. They then get the name of a destination that refuses them.
    place.to(&down.url(), "suite::early::").env("GITHUB_SHA", "old").finish().exits(0);
    let old = place.only(".ndjson");
    let text = fs::read_to_string(&old).expect("it was written");
    let name = old.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
    let gate = Gate::closed();
    let running =
        place.to(&server.url(), "suite::held::one").env("SUITE_HELD", gate.address()).start();
    let waiting = gate.wait_for(1);
    let destination = segment_of(&place, &name).split('-').nth(1).expect("a name").to_owned();
    drop(waiting);
    running.finish().exits(0);
    let id = name.split('-').next().expect("a name");
    fs::rename(&old, place.spool().join(format!("{id}-{destination}-0001.ndjson"))).expect("ours");
    let run = place.to(&server.url(), "suite::early::").finish().exits(0);
    let records: Vec<_> =
        server.records().0.into_iter().filter(|record| record.text("gh_sha") != "old").collect();
    assert_eq!(summary(&records)[3..], whole());
    let refused = place.only(".refused");
    assert_eq!(fs::read_to_string(&refused).expect("it was written"), text);
    assert_eq!(place.names().len(), 1, "{:?}", place.names());
    let warnings = run.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("400") && warnings[0].contains(&format!("{refused:?}")));
    // Refused records are not sent again.
    let run = place.to(&server.url(), "suite::early::t0").finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
}

/// Returns the name of a segment other than this one.
fn segment_of(place: &Place, other: &str) -> String {
    let names = place.names();
    let segment = names.iter().find(|name| name.ends_with(".ndjson") && *name != other);
    segment.unwrap_or_else(|| panic!("{names:?}")).clone()
}

/// A copy of this test binary that does not find its built sender, and a folder for its `PATH`.
struct Stranded {
    program: PathBuf,
    path: PathBuf,
}

impl Stranded {
    fn new(folder: &Path) -> Self {
        const BUILT: &[u8] = b"/resmon-sender";
        let path = folder.join("path");
        fs::create_dir(&path).expect("the folder is ours");
        let own = env::current_exe().expect("a test binary knows where it is");
        let mut bytes = fs::read(own).expect("it is running");
        let places: Vec<_> = (0..bytes.len() - BUILT.len())
            .filter(|&at| bytes[at] == b'/' && bytes[at..].starts_with(BUILT))
            .collect();
        assert!(!places.is_empty(), "the sender was built");
        for at in places {
            bytes[at..at + BUILT.len()].copy_from_slice(b"/resmon-absent");
        }
        let draft = folder.join("draft");
        fs::write(&draft, bytes).expect("the folder is ours");
        let program = folder.join("tests");
        install(&draft, &program);
        Self { program, path }
    }

    fn run(&self, place: &Place, url: &str) -> Run {
        Run::new(&self.program)
            .arg("suite::early::")
            .env("CARGO_PKG_NAME", "resmon")
            .env("RUST_TEST_THREADS", "1")
            .env("RESMON_SPOOL_DIR", place.spool())
            .env("TINYBIRD_WRITE_TOKEN", TOKEN)
            .env("TINYBIRD_API_URL", url)
            .env("PATH", &self.path)
    }
}

/// Copies a program by another process: a program that is open for writing cannot be started.
fn install(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status().expect("there is `cp`");
    assert!(copied.success());
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// Returns the path of the sender that was built with this test.
fn built_sender() -> PathBuf {
    let own = env::current_exe().expect("a test binary knows where it is");
    let build = own.ancestors().nth(2).expect("`deps` in the profile's folder").join("build");
    let folders = fs::read_dir(build).expect("Cargo made it").flatten();
    let senders = folders.map(|folder| folder.path().join("out/resmon-sender"));
    let newest =
        senders.max_by_key(|path| fs::metadata(path).and_then(|file| file.modified()).ok());
    newest.expect("it was built")
}

#[test]
fn without_one_records_stay_and_the_user_is_told_how_to_send_them() {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    let stranded = Stranded::new(place.folder());
    let run = stranded.run(&place, &endpoint.url()).finish().exits(0);
    assert_eq!(summary(&place.waiting()), whole());
    let warnings = run.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let command = format!("`cargo resmon upload {}` sends them", place.spool().display());
    assert!(warnings[0].contains(&command), "{warnings:?}");
    let held_up = run.took.saturating_sub(run.tests_took());
    assert!(held_up < Duration::from_secs(3), "held up for {held_up:?}");
    assert!(endpoint.taken().is_empty());
    // A session with a sender sends the records.
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    assert_eq!(endpoint.taken().len(), EARLY + 2 + 3);
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn without_one_cargo_resmon_serves() {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    let stranded = Stranded::new(place.folder());
    // Both programs behave the same when called as the sender.
    install(&built_sender(), &stranded.path.join("cargo-resmon"));
    let run = stranded.run(&place, &endpoint.url()).finish().exits(0);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_eq!(summary(&endpoint.taken()), whole());
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// User id of `nobody` on most systems.
const OTHER: u32 = 65_534;

/// Returns whether this process is root and may act as another user. Prints a message if not.
fn is_root() -> bool {
    // SAFETY: the call only reads an attribute of the process.
    let is_root = unsafe { libc::geteuid() } == 0;
    if !is_root {
        eprintln!("skipped: only root can act as another user");
    }
    is_root
}

#[test]
fn what_root_makes_in_a_users_directory_is_the_users() {
    if !is_root() {
        return;
    }
    let (place, endpoint) = (Place::new(), Endpoint::new(State::Down(Answer::Silence)));
    chown(place.folder(), Some(OTHER), Some(OTHER)).expect("root may");
    let gate = Gate::closed();
    let spool = place.spool().join("deep/spool");
    let running = place
        .to(&endpoint.url(), "suite::early::")
        .arg("suite::held::one")
        .env("RESMON_SPOOL_DIR", &spool)
        .env("RESMON_FLUSH_TIMEOUT", "0.5")
        .env("SUITE_HELD", gate.address())
        .start();
    let waiting = gate.wait_for(1);
    endpoint.wait_for_requests(1);
    let assert_theirs = |most: usize| {
        let mut paths: Vec<_> = fs::read_dir(&spool)
            .expect("it was made")
            .map(|entry| entry.expect("nobody removes it").path())
            .collect();
        assert!(paths.len() <= most && !paths.is_empty(), "{paths:?}");
        paths.extend([spool.clone(), place.spool(), place.spool().join("deep")]);
        for path in paths {
            let metadata = fs::metadata(&path).expect("it is there");
            assert_eq!((metadata.uid(), metadata.gid()), (OTHER, OTHER), "{path:?}");
        }
    };
    // The directory has the journal, a segment, and the sender's lock.
    assert_theirs(3);
    drop(waiting);
    let run = running.finish().exits(0);
    assert!(run.warnings().iter().all(|warning| warning.contains("kept")), "{}", run.stderr);
    assert_theirs(3);
}

/// Uses a spool directory to which the user may not write, so that the records go to the default one in the temporary
/// directory.
#[test]
fn a_read_only_directory_is_not_the_end() {
    if !is_root() {
        return;
    }
    let (place, endpoint) = (Place::new(), Endpoint::up());
    fs::set_permissions(place.folder(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let stranded = Stranded::new(place.folder());
    install(&built_sender(), &stranded.path.join("cargo-resmon"));
    let temporary = place.folder().join("temporary");
    for (folder, mode) in [(&temporary, 0o700), (&place.spool(), 0o500)] {
        fs::create_dir(folder).expect("the folder is ours");
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("it is ours");
        chown(folder, Some(OTHER), Some(OTHER)).expect("root may");
    }
    let run = stranded
        .run(&place, &endpoint.url())
        .env("TMPDIR", &temporary)
        .user(OTHER)
        .folder(place.folder())
        .finish()
        .exits(0);
    assert_eq!(summary(&endpoint.taken()), whole());
    let warnings = run.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in [
        "RESMON_SPOOL_DIR".to_owned(),
        format!("{:?}", place.spool()),
        "Permission denied".to_owned(),
        format!("using {:?}", temporary.join(format!("resmon-{OTHER}"))),
    ] {
        assert!(warnings[0].contains(&part), "{part}: {warnings:?}");
    }
    assert!(place.names().is_empty(), "{:?}", place.names());
    let file = place.folder().join("temporary/records.ndjson");
    let run = stranded
        .run(&place, &endpoint.url())
        .env_remove("TINYBIRD_WRITE_TOKEN")
        .env("RESMON_FILE", &file)
        .env("TMPDIR", &temporary)
        .user(OTHER)
        .folder(place.folder())
        .finish()
        .exits(0);
    assert_eq!(summary(&Records::of_file(file).0), whole());
    assert_eq!(run.warnings().len(), 1, "{}", run.stderr);
}
