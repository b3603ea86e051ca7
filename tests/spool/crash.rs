//! Processes that die, and the records that the next session or the sender writes for them.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    Endpoint, Place, dead, duplicates,
    endpoint::State,
    of_session,
    suite::EARLY,
    summary,
    support::{Answer, Finished, Gate, Record, Records, Run},
    whole,
};

/// Runs ten tests to their end, then four at once, one of which kills the process.
fn crashes(run: Run, death: &str) -> Finished {
    crashes_after(run, death, || {})
}

/// Does the same as [`crashes`], and calls `before` just before the process dies.
fn crashes_after(run: Run, death: &str, before: impl FnOnce()) -> Finished {
    let (held, late) = (Gate::closed(), Gate::closed());
    let running = run
        .args(["suite::held::", "suite::late::dies"])
        .env("RUST_TEST_THREADS", "4")
        .env("SUITE_HELD", held.address())
        .env("SUITE_LATE", late.address())
        .env("SUITE_DEATH", death)
        .start();
    let _waiting = held.wait_for(3);
    let dying = late.wait_for(1);
    before();
    drop(dying);
    let finished = running.finish();
    assert_eq!(finished.code, None, "{}", finished.stderr);
    finished
}

/// Requires the complete records of a dead session: ten finished tests, four crashed ones, and an end.
#[track_caller]
fn assert_told(records: &[Record]) {
    let mut found = summary(records);
    assert_eq!(found.len(), EARLY + 6, "{found:?}");
    found[1..=EARLY].sort();
    found[EARLY + 1..EARLY + 5].sort();
    let mut expected = whole()[..=EARLY].to_vec();
    for name in ["held::one", "held::three", "held::two", "late::dies"] {
        expected.push(format!("{name} crashed"));
    }
    expected.push("session_end -1".to_owned());
    assert_eq!(found, expected);
    assert!(duplicates(records).is_empty(), "{:#?}", duplicates(records));
}

fn dies_while_it_sends(death: &str) {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let run = place.to(&endpoint.url(), "suite::early::");
    crashes_after(run, death, || {
        place.wait_for_sender();
    });
    place.settle();
    assert_told(&place.waiting());
    endpoint.set(State::Up);
    place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    let taken = endpoint.taken();
    assert_told(&of_session(&taken, dead(&taken)));
    assert_eq!(taken.len(), EARLY + 6 + whole().len());
    assert!(place.names().is_empty(), "{:?}", place.names());
    // A further session finds nothing more to report.
    place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    assert_eq!(endpoint.taken().len(), taken.len() + whole().len());
}

/// Requires that the session's own sender reports the crash within seconds, without another session.
fn dies_and_its_sender_sees_it(death: &str) {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    crashes(place.to(&endpoint.url(), "suite::early::"), death);
    let died = Instant::now();
    endpoint.wait_for_taken(EARLY + 6);
    let took = died.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    place.settle();
    assert_told(&endpoint.taken());
    assert!(place.names().is_empty(), "{:?}", place.names());
}

fn dies_while_it_writes_a_file(death: &str) {
    let place = Place::new();
    crashes(place.to_file("suite::early::"), death);
    let elsewhere = place.folder().join("elsewhere.ndjson");
    let next = || place.run("suite::early::").env("RESMON_FILE", &elsewhere).finish().exits(0);
    next();
    assert_told(&Records::of_file(place.file()).0);
    assert_eq!(summary(&Records::of_file(&elsewhere).0), whole());
    assert!(place.names().is_empty(), "{:?}", place.names());
    next();
    assert_told(&Records::of_file(place.file()).0);
}

macro_rules! deaths {
    ($($name:ident $death:literal)*) => { $(
        mod $name {
            #[test]
            fn while_it_sends() {
                super::dies_while_it_sends($death);
            }

            #[test]
            fn while_its_sender_looks_on() {
                super::dies_and_its_sender_sees_it($death);
            }

            #[test]
            fn while_it_writes_a_file() {
                super::dies_while_it_writes_a_file($death);
            }
        }
    )* };
}

deaths! {
    killed "kill"
    faults "fault"
    aborts "abort"
    overflows_its_stack "overflow"
    panics_in_a_panic "double panic"
}

#[test]
fn a_single_test_that_dies() {
    // The endpoint is down, because records sent while the process dies may arrive twice.
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let run = place.to(&endpoint.url(), "suite::late::dies").env("SUITE_DEATH", "abort").finish();
    assert_eq!(run.code, None);
    place.settle();
    endpoint.set(State::Up);
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let taken = endpoint.taken();
    let told = summary(&of_session(&taken, dead(&taken)));
    assert_eq!(told, ["session_start", "late::dies crashed", "session_end -1"]);
    assert!(duplicates(&taken).is_empty());
}

/// Kills the crashed session's sender as well, so that a sender of one of the four reports the crash.
#[test]
fn four_that_start_together_tell_it_once() {
    let (place, endpoint) = (Place::new(), Endpoint::new(State::Down(Answer::Silence)));
    let run = place.to(&endpoint.url(), "suite::early::");
    crashes_after(run, "kill", || place.kill_sender());
    place.settle();
    endpoint.set(State::Up);
    let next: Vec<_> =
        (0..4).map(|_| place.to(&endpoint.url(), "suite::early::t0").start()).collect();
    for next in next {
        let next = next.finish().exits(0);
        assert!(next.is_quiet(), "{} {:?}", next.stderr, place.names());
    }
    let taken = endpoint.taken();
    assert_told(&of_session(&taken, dead(&taken)));
    assert_eq!(taken.len(), EARLY + 6 + 4 * 3, "{:?}", summary(&taken));
    assert!(place.names().is_empty(), "{:?}", place.names());
}

#[test]
fn four_that_write_a_file_together_tell_it_once() {
    let place = Place::new();
    crashes(place.to_file("suite::early::"), "kill");
    let elsewhere = place.folder().join("elsewhere.ndjson");
    let run = || place.run("suite::early::t0").env("RESMON_FILE", &elsewhere);
    let next: Vec<_> = (0..4).map(|_| run().start()).collect();
    for next in next {
        next.finish().exits(0);
    }
    assert_told(&Records::of_file(place.file()).0);
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Requires that a sender ignores sessions that write to a file, and that a file session ignores those with a sender.
#[test]
fn a_crash_is_told_by_a_session_of_the_same_kind() {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    crashes(place.to_file("suite::early::"), "kill");
    place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    assert_eq!(summary(&endpoint.taken()), whole());
    assert_eq!(Records::of_file(place.file()).0.len(), EARLY + 1);
    let place_of_a_sender = Place::new();
    let run = place_of_a_sender.to(&endpoint.url(), "suite::early::");
    crashes_after(run, "kill", || place_of_a_sender.kill_sender());
    place_of_a_sender.to_file("suite::early::").finish().exits(0);
    assert_eq!(summary(&Records::of_file(place_of_a_sender.file()).0), whole());
    let told = |records: &[Record]| summary(records).contains(&"session_end -1".to_owned());
    assert!(!told(&place_of_a_sender.waiting()));
    // The next session that writes a file reports the crash of the first one.
    let elsewhere = place.folder().join("elsewhere.ndjson");
    place.run("suite::early::t0").env("RESMON_FILE", elsewhere).finish().exits(0);
    assert_told(&Records::of_file(place.file()).0);
}

/// Opens more tests than the 4,096 for which a journal has room.
#[test]
fn as_many_open_tests_are_told_as_there_is_room_for() {
    const OPEN: usize = 4096 + 200;
    let (place, endpoint) = (Place::new(), Endpoint::up());
    let run = place
        .to(&endpoint.url(), "suite::open_at_once")
        .env("SUITE_OPEN", OPEN.to_string())
        .env("SUITE_DEATH", "kill")
        .finish();
    assert_eq!(run.code, None, "{}", run.stderr);
    endpoint.wait_for_taken(4096 + 2);
    place.settle();
    let told = summary(&endpoint.taken());
    assert_eq!(told.len(), 4096 + 2);
    assert_eq!(told.iter().filter(|record| record.ends_with(" crashed")).count(), 4096);
    assert_eq!(told.last().map(String::as_str), Some("session_end -1"));
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Damages the journal as a crash of the machine may do. The records arrive all the same, and the journal is removed.
#[test]
fn a_damaged_journal_is_read_as_far_as_it_can_be() {
    /// Offset in the journal of the first open test.
    const SLOTS: usize = 4096;
    type Damage = fn(&mut Vec<u8>);
    let damages: [(Damage, usize, bool); 6] = [
        (|journal| journal.truncate(100), 0, false),
        (|journal| journal[..SLOTS].fill(0), 0, false),
        (|journal| journal[10] = b'?', 0, false),
        (|journal| journal.truncate(SLOTS), 0, true),
        // One of four open tests, whose entries follow each other.
        (|journal| journal[SLOTS..SLOTS + 50].fill(0), 3, true),
        (|journal| journal.truncate(2 * SLOTS + 10), 1, true),
    ];
    for (number, (damage, crashed, has_end)) in damages.into_iter().enumerate() {
        let (place, endpoint) = (Place::new(), Endpoint::new(State::Down(Answer::Silence)));
        let run = place.to(&endpoint.url(), "suite::early::");
        crashes_after(run, "kill", || place.kill_sender());
        let path = place.only(".session");
        let mut journal = fs::read(&path).expect("it was written");
        damage(&mut journal);
        fs::write(&path, journal).expect("it is ours");
        endpoint.set(State::Up);
        let next = place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
        assert!(next.is_quiet(), "{}", next.stderr);
        let taken = endpoint.taken();
        let told = summary(&of_session(&taken, taken_first(&taken)));
        let count = |what: &str| told.iter().filter(|record| record.ends_with(what)).count();
        assert_eq!(count(" passed"), EARLY, "{number}: {told:?}");
        assert_eq!(count(" crashed"), crashed, "{number}: {told:?}");
        assert_eq!(count("session_end -1"), usize::from(has_end), "{number}: {told:?}");
        assert!(place.names().is_empty(), "{number}: {:?}", place.names());
    }
}

/// Returns the id of the session that started first.
fn taken_first(records: &[Record]) -> &str {
    records.iter().map(|record| record.text("session_id")).min().expect("there are some")
}

/// Requires that a process that is alive is not reported as crashed by one that starts meanwhile.
#[test]
fn a_process_that_lives_is_left_alone() {
    for sends in [true, false] {
        let (place, endpoint, gate) = (Place::new(), Endpoint::up(), Gate::closed());
        let run = |filter| {
            if sends { place.to(&endpoint.url(), filter) } else { place.to_file(filter) }
        };
        let running = run("suite::held::one").env("SUITE_HELD", gate.address()).start();
        let waiting = gate.wait_for(1);
        run("suite::early::t0").finish().exits(0);
        drop(waiting);
        running.finish().exits(0);
        let records = if sends { endpoint.taken() } else { Records::of_file(place.file()).0 };
        let mut found = summary(&records);
        found.sort();
        assert_eq!(found[..2], ["early::t0 passed", "held::one passed"]);
        assert_eq!(
            found[2..],
            ["session_end 0", "session_end 0", "session_start", "session_start"]
        );
        assert!(place.names().is_empty(), "{:?}", place.names());
    }
}

#[test]
fn a_test_that_leaves_the_process_is_unfinished_and_no_crash() {
    let (place, endpoint) = (Place::new(), Endpoint::up());
    let run = || place.to(&endpoint.url(), "suite::late::dies").env("SUITE_DEATH", "exit");
    run().finish().exits(7);
    run().finish().exits(7);
    let expected = ["session_start", "late::dies unfinished", "session_end 7"];
    assert_eq!(summary(&endpoint.taken()), [expected, expected].concat());
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Tears the last line of the file, as a full disk or a power cut may do.
#[test]
fn a_torn_line_does_not_swallow_what_is_appended() {
    let place = Place::new();
    crashes(place.to_file("suite::early::"), "kill");
    let torn = "{\"event_type\":\"te";
    let whole = fs::read_to_string(place.file()).expect("it was written");
    fs::write(place.file(), format!("{whole}{torn}")).expect("it is ours");
    let elsewhere = place.folder().join("elsewhere.ndjson");
    place.run("suite::early::t0").env("RESMON_FILE", &elsewhere).finish().exits(0);
    let text = fs::read_to_string(place.file()).expect("it was written");
    let told = text.replace(&format!("{torn}\n"), "");
    assert_told(&Records::parse(&told).0);

    let endpoint = Endpoint::new(State::Down(Answer::Silence));
    let place = Place::new();
    let run = place.to(&endpoint.url(), "suite::early::");
    crashes_after(run, "kill", || place.kill_sender());
    let segment = place.only(".ndjson");
    let whole = fs::read_to_string(&segment).expect("it was written");
    fs::write(&segment, format!("{whole}{torn}")).expect("it is ours");
    endpoint.set(State::Up);
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let taken = endpoint.taken();
    assert_told(&of_session(&taken, dead(&taken)));
}

/// Requires that the removed folder is not created again, and the crash not reported again in every later session.
#[test]
fn a_file_whose_folder_is_gone_is_forgotten() {
    let place = Place::new();
    let folder = place.folder().join("gone");
    let file = folder.join("records.ndjson");
    crashes(place.run("suite::early::").env("RESMON_FILE", &file), "kill");
    fs::remove_dir_all(&folder).expect("it is ours");
    place.to_file("suite::early::t0").finish().exits(0);
    assert!(!folder.exists());
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Uses a path that names another file in each process, so that the next session must not append to it.
#[test]
fn a_file_that_each_process_has_its_own_of_is_not_appended_to() {
    let place = Place::new();
    let run = |filter| place.run(filter).env("RESMON_FILE", "/dev/stdout");
    crashes(run("suite::early::"), "kill");
    let next = place.to_file("suite::early::t0").finish().exits(0);
    assert!(!next.stdout.contains("event_type"), "{}", next.stdout);
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Requires that the journal has room for the start of a test with a long name.
#[test]
fn a_test_with_a_long_name_is_told_too() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let run = place
        .to(&endpoint.url(), "suite::guards")
        .env("SUITE_GUARDS", "1")
        .env("SUITE_PREFIX", "long".repeat(500))
        .env("SUITE_AT", "0")
        .env("SUITE_DEATH", "kill")
        .finish();
    assert_eq!(run.code, None);
    place.settle();
    endpoint.set(State::Up);
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let taken = endpoint.taken();
    let told = of_session(&taken, dead(&taken));
    assert_eq!(told[1].name(), format!("{}g0", "long".repeat(500)));
}
