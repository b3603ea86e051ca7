//! Tests that replace their stdout by a pipe and read it to its end. The pipe ends only if no other process or thread
//! holds stdout open.

use std::{fs, time::Duration};

use crate::{Guest, Mode, program, support::Run};

const ROUNDS: usize = 50;

/// Timeout of a round. A round takes some milliseconds unless the test hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// Returns a run on one CPU, on which a new thread only runs once the test waits for something.
fn on_one_cpu(name: &str) -> Run {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = allowed.expect("Linux has it").trim().split([',', '-']).next();
    let first = first.expect("a process has a CPU");
    Run::new("taskset").args(["--cpu-list", first]).arg(program(name))
}

/// Runs a program often enough to hit a race between the test's capture and the start of delivery.
fn rounds(name: &str) {
    let bare = Guest::new(Mode::Off);
    let two_threads = |run: Run| run.arg("--test-threads=2").limit(LIMIT);
    bare.start(two_threads(bare.switch_on(on_one_cpu(name)))).finish().exits(0);
    for round in 1..=ROUNDS {
        // Shown if the round fails.
        println!(
            "round {round} of {ROUNDS}: a test that hangs here waits for the end of its stdout"
        );
        let guest = Guest::new(Mode::Tinybird);
        let run = if round % 2 == 0 { on_one_cpu(name) } else { Run::new(program(name)) };
        let run = guest.start(two_threads(guest.switch_on(run))).finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
        guest.assert_recorded();
    }
}

#[test]
fn a_marked_test_that_captures_its_stdout_comes_to_its_end() {
    rounds("captures");
}

#[test]
fn a_plain_test_that_captures_its_stdout_beside_a_marked_one_comes_to_its_end() {
    rounds("captures_beside");
}
