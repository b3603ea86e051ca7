//! Sessions that end in any way, one after another, with an endpoint that fails in any way.

use std::{thread, time::Duration};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{
    Endpoint, Place,
    endpoint::State,
    support::{Answer, Record, Records, Running},
};

/// A session, which is one process.
#[derive(Clone, Debug)]
struct Session {
    guards: usize,
    batch_size: usize,
    endpoint: Fault,
    end: End,
    /// Whether the next session starts while this one runs.
    joined: bool,
    /// Milliseconds after the start at which the sender is killed.
    killer: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Refuses,
    Closes,
    Hangs,
    /// Takes the records, but no answer arrives.
    Forgets,
    /// The session writes a file.
    File,
}

#[derive(Clone, Debug)]
enum End {
    /// Returns from `main`.
    Ordinary,
    /// Dies in the middle of the guard with this number.
    Dies(&'static str, usize),
}

fn session() -> impl Strategy<Value = Session> {
    let fault = prop::sample::select(vec![
        Fault::None,
        Fault::Refuses,
        Fault::Closes,
        Fault::Hangs,
        Fault::Forgets,
        Fault::File,
    ]);
    (0..12_usize, 1..5_usize, fault).prop_flat_map(|(guards, batch_size, endpoint)| {
        let death = prop::sample::select(vec!["kill", "abort", "fault", "exit"]);
        let dies = (death, 0..guards.max(1)).prop_map(|(how, at)| End::Dies(how, at));
        let ends = prop_oneof![Just(End::Ordinary), dies];
        let killer = prop::option::weighted(0.3, 0..40_u64);
        (ends, prop::bool::weighted(0.3), killer).prop_map(move |(end, joined, killer)| Session {
            guards,
            batch_size,
            endpoint,
            end,
            joined,
            killer,
        })
    })
}

/// Returns the records expected from these sessions, each as the session's number, the test and its outcome.
fn expected(sessions: &[Session]) -> Vec<String> {
    let mut expected = Vec::new();
    for (number, session) in sessions.iter().enumerate() {
        let mut all: Vec<String> = Vec::new();
        let (finished, last) = match session.end {
            End::Ordinary => (session.guards, None),
            End::Dies(..) if session.guards == 0 => (0, None),
            End::Dies("exit", at) => (at, Some((format!("g{at} unfinished"), 7))),
            End::Dies(_, at) => (at, Some((format!("g{at} crashed"), -1))),
        };
        all.extend((0..finished).map(|index| format!("g{index} passed")));
        let status = last.as_ref().map_or(0, |(_, status)| *status);
        all.extend(last.map(|(test, _)| test));
        if session.guards > 0 {
            all.extend(["session_start".to_owned(), format!("session_end {status}")]);
        }
        expected.extend(all.into_iter().map(|record| format!("{number} {record}")));
    }
    expected.sort();
    expected
}

/// Describes records in the same way as [`expected`].
fn found(records: &[Record]) -> Vec<String> {
    let name = |(record, summary)| format!("{} {summary}", Record::text(record, "gh_sha"));
    let mut found: Vec<_> = records.iter().zip(crate::summary(records)).map(name).collect();
    found.sort();
    found
}

fn start(
    place: &Place,
    endpoint: &Endpoint,
    number: usize,
    session: &Session,
    patience: &str,
) -> Running {
    endpoint.set(match session.endpoint {
        Fault::None | Fault::File => State::Up,
        Fault::Refuses => State::Down(Answer::status(403)),
        Fault::Closes => State::Down(Answer::Close),
        Fault::Hangs => State::Down(Answer::Silence),
        Fault::Forgets => State::Forgetful(Answer::Close),
    });
    let to = match session.endpoint {
        Fault::File => place.to_file("suite::guards"),
        _ => place.to(&endpoint.url(), "suite::guards"),
    };
    let to = to
        .env("SUITE_GUARDS", session.guards.to_string())
        .env("RESMON_BATCH_SIZE", session.batch_size.to_string())
        .env("RESMON_FLUSH_TIMEOUT", patience)
        .env("GITHUB_SHA", number.to_string());
    let to = match session.end {
        End::Ordinary => to,
        End::Dies(how, at) => to.env("SUITE_DEATH", how).env("SUITE_AT", at.to_string()),
    };
    let running = to.start();
    if let Some(millis) = session.killer {
        // The moment is arbitrary.
        thread::sleep(Duration::from_millis(millis));
        place.kill_sender_if_any();
    }
    running
}

fn check(sessions: &[Session]) -> Result<(), TestCaseError> {
    let place = Place::new();
    let endpoint = Endpoint::up();
    let mut running = Vec::new();
    for (number, session) in sessions.iter().enumerate() {
        running.push(start(&place, &endpoint, number, session, "0.3"));
        if session.joined && number + 1 < sessions.len() {
            continue;
        }
        for running in running.drain(..) {
            running.finish();
        }
        // A request under way must not meet the endpoint's next state.
        place.settle();
    }
    // Two more sessions with a working endpoint recover everything: the first writes a file and recovers file sessions,
    // the second sends and recovers the rest.
    let last = sessions.len();
    let [file, sent] = [Fault::File, Fault::None].map(|endpoint| Session {
        guards: 1,
        batch_size: 50,
        endpoint,
        end: End::Ordinary,
        joined: false,
        killer: None,
    });
    start(&place, &endpoint, last, &file, "30").finish().exits(0);
    start(&place, &endpoint, last + 1, &sent, "30").finish().exits(0);
    place.settle();
    let names = place.names();
    prop_assert!(names.is_empty(), "{names:?}");
    let mut records = endpoint.taken();
    records.extend(Records::of_file(place.file()).0);
    // A lost answer, or one that comes after the process's end, causes a repeated request. Nothing else does. Repeated
    // records are identical.
    let lossy = |session: &Session| {
        session.endpoint == Fault::Forgets
            || matches!(session.end, End::Dies(..))
            || session.killer.is_some()
            || session.joined
    };
    if sessions.iter().any(lossy) {
        records.sort_by_key(crate::key);
        records.dedup_by(|one, other| format!("{one:?}") == format!("{other:?}"));
    }
    let all = [sessions, &[file, sent]].concat();
    prop_assert_eq!(found(&records), expected(&all));
    Ok(())
}

#[test]
fn every_record_is_somewhere_once() {
    let config =
        Config { cases: 10, max_shrink_iters: 30, failure_persistence: None, ..Config::default() };
    let sessions = prop::collection::vec(session(), 1..5);
    TestRunner::new(config).run(&sessions, |sessions| check(&sessions)).unwrap_or_else(|error| {
        panic!("{error}");
    });
}
