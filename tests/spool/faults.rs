//! All ways in which an endpoint can fail. The records that it did not take wait, and arrive when it is up again.

use std::time::Duration;

use crate::{
    Endpoint, Place, duplicates,
    endpoint::State::{self, Down, Forgetful},
    of_session,
    suite::EARLY,
    summary,
    support::{Answer, Finished, Nobody, Record},
    whole,
};

/// Runs a session while the endpoint is in this state, and another when it is up. Returns the first session's run, and
/// its records that the endpoint took.
fn then_recovers(state: State) -> (Finished, Vec<Record>) {
    let (place, endpoint) = (Place::new(), Endpoint::new(state));
    let run = place
        .to(&endpoint.url(), "suite::early::")
        .env("RESMON_FLUSH_TIMEOUT", "1")
        .finish()
        .exits(0);
    let held_up = run.took.saturating_sub(run.tests_took());
    assert!(held_up < Duration::from_secs(3), "held up for {held_up:?}");
    let first = place.waiting().first().map(|record| record.text("session_id").to_owned());
    endpoint.set(State::Up);
    let next = place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    assert!(next.is_quiet(), "{}", next.stderr);
    assert!(place.names().is_empty(), "{:?}", place.names());
    let taken = endpoint.taken();
    let first = first.unwrap_or_else(|| taken[0].text("session_id").to_owned());
    (run, of_session(&taken, &first))
}

/// Requires that each record arrives once, for an endpoint that took nothing.
#[track_caller]
fn assert_kept(answer: Answer) {
    let (run, records) = then_recovers(Down(answer));
    assert_eq!(summary(&records), whole());
    let kept = run.warnings().into_iter().filter(|warning| warning.contains("; kept in"));
    assert!(kept.count() > 0, "{}", run.stderr);
}

/// Requires that each record arrives, for an endpoint that took the records without acknowledging them. Repeated
/// records are identifiable.
#[track_caller]
fn assert_repeated(answer: Answer) {
    let (_, mut records) = then_recovers(Forgetful(answer));
    assert!(!duplicates(&records).is_empty(), "the endpoint took nothing");
    records.sort_by_key(crate::key);
    records.dedup_by_key(|record| crate::key(record));
    let (mut found, mut expected) = (summary(&records), whole());
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// Requires that each record arrives once, for an endpoint that acknowledged the records in an unusual way.
#[track_caller]
fn assert_taken(answer: Answer) {
    let (run, records) = then_recovers(Forgetful(answer));
    assert_eq!(summary(&records), whole());
    assert!(run.is_quiet(), "{}", run.stderr);
}

macro_rules! faults {
    ($($name:ident: $assert:ident($answer:expr);)*) => { $(
        #[test]
        fn $name() {
            $assert($answer);
        }
    )* };
}

faults! {
    hangs: assert_kept(Answer::Silence);
    resets: assert_kept(Answer::Reset);
    closes: assert_kept(Answer::Close);
    is_busy: assert_kept(Answer::status(429));
    is_busy_for_long: assert_kept(Answer::status(429).with("Retry-After", &5));
    fails: assert_kept(Answer::status(500));
    is_not_there: assert_kept(Answer::status(503));
    refuses: assert_kept(Answer::status(401));
    redirects: assert_kept(Answer::status(302).with("Location", &"http://127.0.0.1:9/"));

    takes_and_hangs: assert_repeated(Answer::Silence);
    takes_and_drips: assert_repeated(Answer::Drip(Duration::from_millis(200)));
    takes_and_closes: assert_repeated(Answer::Close);
    takes_and_fails: assert_repeated(Answer::status(500));

    answers_with_garbage: assert_taken(Answer::reply(202, "<html>\0"));
    breaks_off: assert_taken(Answer::CutShort);
}

#[test]
fn nobody_listens() {
    let (place, nobody) = (Place::new(), Nobody::listening());
    let run = place.to(&nobody.url(), "suite::early::").finish().exits(0);
    assert_eq!(summary(&place.waiting()), whole());
    assert!(run.warnings().iter().all(|warning| warning.contains("; kept in")), "{}", run.stderr);
}

/// Ends the outage while the session runs. Batches that were given up wait for the next session.
#[test]
fn comes_back() {
    let (place, endpoint) = (Place::new(), Endpoint::down());
    let gate = crate::support::Gate::closed();
    let running = place
        .to(&endpoint.url(), "suite::early::")
        .arg("suite::held::one")
        .env("RESMON_BATCH_SIZE", EARLY.to_string())
        .env("SUITE_HELD", gate.address())
        .start();
    let waiting = gate.wait_for(1);
    endpoint.wait_for_requests(2);
    endpoint.set(State::Up);
    drop(waiting);
    running.finish().exits(0);
    assert_eq!(summary(&endpoint.taken()), ["held::one passed", "session_end 0"]);
    assert_eq!(summary(&place.waiting()), whole()[..=EARLY]);
    place.to(&endpoint.url(), "suite::early::t0").finish().exits(0);
    assert_eq!(endpoint.taken().len(), EARLY + 3 + 3);
    assert!(duplicates(&endpoint.taken()).is_empty());
    assert!(place.names().is_empty(), "{:?}", place.names());
}
