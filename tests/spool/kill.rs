//! A process that is killed at any moment loses no finished test.

use std::fs;

use crate::{
    Endpoint, Place, dead, duplicates,
    endpoint::State,
    of_session,
    suite::EARLY,
    summary,
    support::{Answer, Gate, Record},
    whole,
};

fn silent() -> State {
    State::Down(Answer::Silence)
}

#[test]
fn a_record_is_on_disk_before_the_test_that_comes_next() {
    let (place, endpoint, gate) = (Place::new(), Endpoint::new(silent()), Gate::closed());
    let running = place
        .to(&endpoint.url(), "suite::early::")
        .arg("suite::late::plain")
        .env("SUITE_PLAIN", gate.address())
        .env("RESMON_FLUSH_TIMEOUT", "0")
        .start();
    let waiting = gate.wait_for(1);
    assert_eq!(summary(&place.waiting()), whole()[..=EARLY]);
    drop(waiting);
    running.finish().exits(0);
    assert_eq!(summary(&place.waiting()), whole());
}

#[test]
fn what_a_killed_process_had_finished_is_delivered_by_the_next() {
    let (place, endpoint, gate) = (Place::new(), Endpoint::new(silent()), Gate::closed());
    let mut running = place
        .to(&endpoint.url(), "suite::early::")
        .arg("suite::held::one")
        .env("SUITE_HELD", gate.address())
        .env("RESMON_FLUSH_TIMEOUT", "1")
        .start();
    let _waiting = gate.wait_for(1);
    // No request is sent while another waits for its answer.
    endpoint.wait_for_requests(1);
    running.kill();
    assert_eq!(running.finish().code, None);
    place.settle();
    endpoint.set(State::Up);
    place.to(&endpoint.url(), "suite::early::").finish().exits(0);
    let taken = endpoint.taken();
    assert!(duplicates(&taken).is_empty(), "{:#?}", duplicates(&taken));
    let mut expected = whole()[..=EARLY].to_vec();
    expected.extend(["held::one crashed".to_owned(), "session_end -1".to_owned()]);
    assert_eq!(summary(&of_session(&taken, dead(&taken))), expected);
    assert_eq!(taken.len(), expected.len() + whole().len());
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Kills the process when a request has arrived: the answer to the previous one is noted before it is sent, so the kill
/// cannot repeat the previous one.
#[test]
fn what_was_acknowledged_is_not_sent_again_though_the_process_is_killed() {
    let place = Place::new();
    let endpoint = Endpoint::up();
    let gate = Gate::closed();
    let mut running = place
        .to(&endpoint.url(), "suite::early::")
        .arg("suite::held::one")
        .env("RESMON_BATCH_SIZE", EARLY.to_string())
        .env("SUITE_HELD", gate.address())
        .env("RESMON_FLUSH_TIMEOUT", "1")
        .start();
    let waiting = gate.wait_for(1);
    // The endpoint takes the start and the whole batch. The request at the process's end gets no answer.
    endpoint.wait_for_taken(1 + EARLY);
    endpoint.set(silent());
    drop(waiting);
    endpoint.wait_for_requests(3);
    // Process and sender are killed while the process waits for delivery.
    running.kill();
    assert_eq!(running.finish().code, None);
    place.kill_sender();
    let before = endpoint.taken();
    assert_eq!(summary(&before), whole()[..=EARLY]);
    endpoint.set(State::Up);
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    let taken = endpoint.taken();
    assert!(duplicates(&taken).is_empty(), "{:#?}", duplicates(&taken));
    let killed = of_session(&taken[before.len()..], before[0].text("session_id"));
    // The session ended by itself before the kill.
    assert_eq!(summary(&killed), ["held::one passed", "session_end 0"]);
    assert!(place.names().is_empty(), "{:?}", place.names());
}

/// Returns the tests that began, from the notes of the killed process. All but the last one have finished.
fn noted(place: &Place) -> Vec<String> {
    let notes = fs::read_to_string(place.folder().join("notes")).expect("it began a test");
    notes.lines().map(str::to_owned).collect()
}

/// Requires one record of each finished test. The last test may be recorded, open in the journal, or both: a kill may
/// come between these steps.
#[track_caller]
fn assert_complete(noted: &[String], records: &[Record]) {
    let outcomes = |name: &String| -> Vec<&str> {
        let of_name = records.iter().filter(|record| record.name() == *name);
        of_name.filter(|record| record.event() == "test").map(Record::outcome).collect()
    };
    let (last, finished) = noted.split_last().expect("one began");
    for name in finished {
        assert_eq!(outcomes(name), ["passed"], "{name} of {}", noted.len());
    }
    assert!(!outcomes(last).is_empty(), "{last}");
    let ends = records.iter().filter(|record| record.event() == "session_end");
    assert_eq!(ends.map(|end| end.int("exit_status")).collect::<Vec<_>>(), [-1]);
    let finished: Vec<_> =
        records.iter().filter(|record| record.name() != *last).cloned().collect();
    assert!(duplicates(&finished).is_empty(), "{:#?}", duplicates(&finished));
}

#[test]
fn no_moment_is_a_bad_one_to_be_killed_while_sending() {
    for at in [0, 3, 40, 200] {
        let (place, endpoint, gate) = (Place::new(), Endpoint::new(silent()), Gate::closed());
        let mut running = place
            .to(&endpoint.url(), "suite::guards")
            .env("SUITE_GUARDS", "100000")
            .env("SUITE_NOTES", place.folder().join("notes"))
            .env("SUITE_AT", at.to_string())
            .env("SUITE_CALL", gate.address())
            .env("RESMON_FLUSH_TIMEOUT", "0.5")
            .start();
        let _call = gate.wait_for(1);
        endpoint.wait_for_requests(1);
        running.kill();
        assert_eq!(running.finish().code, None);
        place.settle();
        endpoint.set(State::Up);
        place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
        let taken = endpoint.taken();
        assert_complete(&noted(&place), &of_session(&taken, dead(&taken)));
        assert!(place.names().is_empty(), "{:?}", place.names());
    }
}

#[test]
fn no_moment_is_a_bad_one_to_be_killed_while_writing_a_file() {
    for at in [0, 3, 40, 200] {
        let (place, gate) = (Place::new(), Gate::closed());
        let mut running = place
            .to_file("suite::guards")
            .env("SUITE_GUARDS", "100000")
            .env("SUITE_NOTES", place.folder().join("notes"))
            .env("SUITE_AT", at.to_string())
            .env("SUITE_CALL", gate.address())
            .start();
        let _call = gate.wait_for(1);
        running.kill();
        assert_eq!(running.finish().code, None);
        let elsewhere = place.folder().join("elsewhere.ndjson");
        place.run("suite::early::t0").env("RESMON_FILE", &elsewhere).finish().exits(0);
        // A kill may cut a write at a page boundary of the file. The torn record's test counts as open.
        let text = fs::read_to_string(place.file()).expect("records are UTF-8");
        let (whole, torn): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.ends_with('}'));
        assert!(torn.len() <= 1, "{torn:#?}");
        let records: Vec<_> = whole.into_iter().map(Record::parse).collect();
        assert_complete(&noted(&place), &records);
        assert!(place.names().is_empty(), "{:?}", place.names());
    }
}
