//! Tests that put a pipe in the place of their stdout and read it to its end: it has one only if nobody else keeps
//! stdout open.

use std::{fs, time::Duration};

use crate::{Guest, Mode, program, support::Run};

const ROUNDS: usize = 50;

/// How long a round may take. It takes some milliseconds, unless the test waits for ever.
const LIMIT: Duration = Duration::from_secs(20);

/// A run on one CPU only: a thread that a test starts does nothing before that test waits for something.
fn on_one_cpu(name: &str) -> Run {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = allowed.expect("Linux has it").trim().split([',', '-']).next();
    let first = first.expect("a process has a CPU");
    Run::new("taskset").args(["--cpu-list", first]).arg(program(name))
}

/// Runs a program as often as it takes to meet a race, with a session that has begun to deliver while the test
/// captures.
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
