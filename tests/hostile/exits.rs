//! Tests that end the process in their own way.

use std::{
    process::{self, Command},
    sync::mpsc,
    thread,
};

use crate::{
    crashed, folder, in_both_modes,
    support::{Records, reported},
};

#[resmon::test]
#[ignore = "hostile"]
fn exits_with_7() {
    if folder().is_some() {
        process::exit(7);
    }
}

#[test]
fn the_exit_code_of_a_test_is_that_of_the_process() {
    in_both_modes("exits::exits_with_7", |case, run| {
        assert_eq!(run.code, Some(7));
        case.is_whole("unfinished", reported(7, 0));
    });
}

#[resmon::test]
#[ignore = "hostile"]
fn exits_with_minus_1() {
    if folder().is_some() {
        process::exit(-1);
    }
}

#[resmon::test]
#[ignore = "hostile"]
fn exits_with_263() {
    if folder().is_some() {
        process::exit(263);
    }
}

/// Requires the lowest eight bits of the exit code, which the system passes to the parent. −1 means a crash.
#[test]
fn the_exit_status_is_the_one_that_the_parent_process_sees() {
    for (test, code) in [("exits::exits_with_minus_1", 255), ("exits::exits_with_263", 7)] {
        in_both_modes(test, |case, run| {
            assert_eq!(run.code, Some(code));
            case.is_whole("unfinished", reported(code.into(), 0));
        });
    }
}

#[resmon::test]
#[ignore = "hostile"]
fn aborts() {
    if folder().is_some() {
        process::abort();
    }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("a second panic");
    }
}

#[resmon::test]
#[ignore = "hostile"]
fn panics_while_unwinding() {
    if folder().is_some() {
        let _held = PanicsWhenDropped;
        panic!("a first panic");
    }
}

#[resmon::test]
#[ignore = "hostile"]
fn overflows_the_stack() {
    if folder().is_some() {
        deeper(&[1; 4096]);
    }
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn deeper(above: &[u8; 4096]) -> u8 {
    let here = std::hint::black_box(*above);
    deeper(&here) + here[0]
}

#[test]
fn the_test_of_a_process_that_died_is_recorded_by_the_next() {
    for test in ["exits::aborts", "exits::panics_while_unwinding", "exits::overflows_the_stack"] {
        in_both_modes(test, |case, run| {
            assert_eq!(run.code, None, "{test}");
            let records = case.recovered();
            assert_eq!(records.events(), ["session_start", "test", "session_end"], "{test}");
            crashed(&records, test);
            assert_eq!(records.end().int("exit_status"), -1);
            assert_eq!(case.left(), [""; 0]);
        });
    }
}

/// Leaves threads that measure until the process ends.
#[resmon::test]
#[ignore = "hostile"]
fn leaks_threads() {
    if folder().is_some() {
        let (sender, started) = mpsc::channel();
        for _ in 0..4 {
            let sender = sender.clone();
            thread::spawn(move || {
                loop {
                    resmon::measure("leaked", || ());
                    let _ = sender.send(());
                }
            });
        }
        for _ in 0..40 {
            started.recv().expect("the threads go on");
        }
    }
}

#[test]
fn threads_that_outlive_main_are_no_matter() {
    in_both_modes("exits::leaks_threads", |case, _| {
        let records = case.records();
        let leaked = records.of_test("leaked").len();
        assert!(leaked >= 40, "{leaked}");
        assert_eq!(records.events().len(), leaked + 3);
        assert_eq!(records.test(case.test).outcome(), "passed");
        assert_eq!(records.end().int("exit_status"), 0);
        assert_eq!(case.left(), [""; 0]);
    });
}

#[resmon::test]
#[ignore = "hostile"]
fn runs_itself() {
    if folder().is_some() {
        let own = std::env::current_exe().expect("a test binary knows where it is");
        let run = Command::new(own).args(["harmless", "--exact", "--ignored"]).output();
        let run = run.expect("it has been started before");
        assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    }
}

#[test]
fn a_test_that_runs_its_own_executable_has_a_session_in_it() {
    in_both_modes("exits::runs_itself", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        let all = case.records();
        for test in [case.test, "harmless"] {
            let session = all.test(test).text("session_id");
            let of = all.0.iter().filter(|record| record.text("session_id") == session);
            let of = Records(of.cloned().collect());
            assert_eq!(of.events(), ["session_start", "test", "session_end"]);
            assert_eq!(of.test(test).outcome(), "passed");
            assert_eq!(of.end().int("exit_status"), 0);
        }
        assert_eq!(all.events().len(), 6);
        assert_eq!(case.left(), [""; 0]);
    });
}
