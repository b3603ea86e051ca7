//! Work of resmon while a test runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    Place, assert_idle,
    support::{Answer, Gate, Server},
};

/// Number of records that are sent while a test sleeps.
const RECORDS: usize = 20_000;

/// Tests of which the second sleeps while the records of the first are sent.
mod suite {
    use std::{env, fs::File, os::fd::AsRawFd};

    use super::RECORDS;
    use crate::{
        loads::{cpu, tell},
        support::gate,
    };

    fn is_driven() -> bool {
        env::var_os("SUITE_GATE").is_some()
    }

    #[test]
    fn a_makes_records() {
        for _ in 0..if is_driven() { RECORDS } else { 0 } {
            resmon::measure("one of many", || ());
        }
    }

    #[test]
    fn b_sleeps() {
        // Otherwise, a change to dirty pages would not count as further I/O of the test.
        if let Some(spool) = env::var_os("RESMON_SPOOL_DIR").filter(|_| is_driven()) {
            let folder = File::open(spool).expect("the session made it");
            // SAFETY: the descriptor is open.
            assert_eq!(unsafe { libc::syncfs(folder.as_raw_fd()) }, 0);
        }
        let mut used = 0.0;
        resmon::measure("sleeps at the gate", || {
            let start = cpu(libc::CLOCK_PROCESS_CPUTIME_ID);
            gate::pass("SUITE_GATE");
            used = cpu(libc::CLOCK_PROCESS_CPUTIME_ID) - start;
        });
        tell("process", &used);
    }
}

#[test]
fn what_is_sent_while_a_lone_test_sleeps_is_not_charged_to_it() {
    let (place, gate) = (Place::new(), Gate::closed());
    let sleeps = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&sleeps);
    // No test record is accepted before the second test sleeps.
    let server = Server::answering(move |request, records| {
        while request > 0 && !seen.load(Ordering::Acquire) {
            thread::sleep(Duration::from_millis(1));
        }
        Answer::accepted(records.body.lines().count(), 0)
    });
    let run = place.run("own::suite::").arg("--test-threads=1").env_remove("RESMON_FILE");
    let run = run.env("TINYBIRD_WRITE_TOKEN", "a-token").env("TINYBIRD_API_URL", server.url());
    let run = run.env("RESMON_SPOOL_DIR", place.0.path().join("spool"));
    let run = run.env("SUITE_GATE", gate.address()).start();
    let at_the_gate = gate.wait_for(1);
    sleeps.store(true, Ordering::Release);
    server.wait_until(|requests| {
        let lines = requests.iter().map(|request| request.body.lines().count());
        // The sum includes the session's start. A rest smaller than a batch is not sent yet.
        lines.sum::<usize>() > RECORDS - 50
    });
    drop(at_the_gate);
    assert!(run.finish().exits(0).is_quiet());
    let records = server.records();
    let test = records.test("sleeps at the gate");
    assert_eq!(test.text("cpu_scope"), "process");
    assert_idle(test);
    assert_eq!(test.int("io_write_bytes"), 0);
}
