//! The user's logger.

use crate::{Guest, Mode, TOKEN};

#[test]
fn a_logger_at_trace_sees_nothing_of_resmon() {
    let guest = Guest::new(Mode::Tinybird);
    // Each measurement is a batch of its own, which is sent at once.
    let running = guest.run("logs").env("RESMON_BATCH_SIZE", "1").start();
    guest.open_gate(|requests| {
        requests.iter().any(|request| request.body.contains("\"event_type\":\"test\""))
    });
    let run = running.finish().exits(0);
    let logged = guest.report();
    assert!(!logged.contains(TOKEN), "{logged}");
    let lines: Vec<&str> = logged.lines().collect();
    assert_eq!(lines, ["own before", "own after"]);
    assert!(run.is_quiet(), "{}", run.stderr);
    assert_eq!(guest.records().tests().len(), 2);
}
