//! Tests that count the allocations of their whole process.

use crate::{
    Guest, Mode, program,
    support::{Nobody, Run},
};

/// Number of rounds: enough for a race that happens in every other run.
const ROUNDS: usize = 8;

fn one_test(run: Run, test: &str) -> Run {
    run.args(["--exact", test, "--test-threads=1"])
}

/// Counts while the session starts and while the sampler runs.
#[test]
fn a_test_that_counts_allocations_sees_its_own_from_the_start() {
    for mode in [Mode::Off, Mode::File, Mode::Tinybird] {
        for round in 1..=ROUNDS {
            println!("{mode:?}, round {round}");
            let guest = Guest::new(mode);
            one_test(guest.run("allocates"), "counts_from_the_start").finish().exits(0);
            guest.assert_recorded();
        }
    }
}

#[test]
fn a_test_that_counts_allocations_sees_its_own_after_a_delivery() {
    for mode in [Mode::File, Mode::Tinybird] {
        let guest = Guest::new(mode);
        let run = one_test(guest.run("allocates"), "counts_after_the_gate");
        guest.start(run).finish().exits(0);
        guest.assert_recorded();
    }
}

#[test]
fn a_test_that_counts_allocations_sees_its_own_while_delivery_fails() {
    for round in 1..=ROUNDS {
        println!("round {round}");
        let (guest, nobody) = (Guest::new(Mode::Tinybird), Nobody::listening());
        let run = one_test(guest.run("allocates"), "counts_from_the_start");
        run.env("TINYBIRD_API_URL", nobody.url()).finish().exits(0);
    }
}

/// Counts from the second measurement on, because the first one reads the configuration. With resmon switched on, the
/// work of resmon lies before and after a test's body, which does not see it.
#[test]
fn a_measurement_allocates_nothing_where_nothing_is_configured() {
    for mode in [Mode::Off, Mode::File, Mode::Tinybird] {
        let guest = Guest::new(mode);
        let run = guest.switch_on(Run::new(program("allocates")));
        one_test(run, "around_measurements").finish().exits(0);
        println!("{mode:?}: {}", guest.report());
        if mode == Mode::Off {
            let report = guest.report();
            assert!(report.ends_with(", 0, 0, 0, 0]"), "{report}");
        }
    }
}
