//! Delivery to Tinybird over real sockets. Each test starts a server, runs this binary's own tests of [`suite`] against
//! it in a new process, and checks the requests.
#![cfg(feature = "tinybird")]

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod configuration;
mod exit;
mod proxy;
mod requests;
mod retries;
mod special;
mod suite;
mod time;
#[cfg(target_os = "linux")]
mod tls;
mod waits;

use support::{Records, Run, Server};

/// Token that may appear in the `Authorization` header only.
const TOKEN: &str = "p.eyJ1IjogInNlY3JldCJ9.not-to-be-seen";

/// Returns a run of the suite that reports to this URL.
fn suite_to(url: &str) -> Run {
    Run::own_tests("suite::").env("TINYBIRD_WRITE_TOKEN", TOKEN).env("TINYBIRD_API_URL", url)
}

/// Returns a run of the suite that reports to this server.
fn suite_at(server: &Server) -> Run {
    suite_to(&server.url())
}

/// Requires that a session of the suite arrived completely and once: first its start, then each test in its batch, then
/// its end.
#[track_caller]
fn assert_whole(records: &Records, batch_size: usize) {
    let count = records.0.len();
    assert_eq!(count, suite::TESTS + 2);
    assert_eq!(records.0[0].event(), "session_start");
    assert_eq!(records.0[count - 1].event(), "session_end");
    assert_eq!(records.distinct("session_id").len(), 1);
    let tests = records.tests();
    let mut ids: Vec<&str> = tests.iter().map(|test| test.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), suite::TESTS);
    for (index, test) in tests.iter().enumerate() {
        let batch = i64::try_from(index / batch_size + 1).expect("a small number");
        assert_eq!(test.int("batch_num"), batch, "of test record {index}");
    }
}
