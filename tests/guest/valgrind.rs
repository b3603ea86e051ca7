//! Leak checkers, for which every block or thread that is left at exit is an error.

use std::fs;

use crate::{Guest, Mode, program, support::Run};

/// Exit code by which valgrind reports an error.
const ERROR: i32 = 9;

/// Suppression of the main thread's handle, which Rust's standard library never frees.
const HANDLE: &str = "{
    handle
    Memcheck:Leak
    match-leak-kinds: possible
    fun:malloc
    ...
    fun:*init_current*
}
";

/// Runs a program under valgrind, and requires no error in a mode with records. Skipped if there is one without resmon.
fn same_as_without(program: impl Fn(Run) -> Run) {
    let version = Run::new("sh").args(["-c", "valgrind --version"]).finish();
    if version.code != Some(0) {
        println!("skipped: valgrind is not installed");
        return;
    }
    let under_valgrind = |mode| {
        let guest = Guest::new(mode);
        let suppressions = guest.folder.path().join("suppressions");
        fs::write(&suppressions, HANDLE).expect("a folder of our own");
        let run = Run::new("valgrind")
            .args(["--quiet", "--leak-check=full"])
            .arg(format!("--suppressions={}", suppressions.display()))
            .arg(format!("--error-exitcode={ERROR}"));
        let run = program(run);
        (guest.switch_on(run).finish(), guest)
    };
    let (bare, _) = under_valgrind(Mode::Off);
    if bare.code != Some(0) {
        println!("skipped: valgrind finds an error without resmon: {}", bare.stderr);
        return;
    }
    for mode in [Mode::File, Mode::Tinybird] {
        let (run, guest) = under_valgrind(mode);
        assert_ne!(run.code, Some(ERROR), "{mode:?}: {}", run.stderr);
        assert_eq!(run.code, Some(0), "{mode:?}: {}", run.stderr);
        assert!(!guest.records().tests().is_empty(), "{mode:?}");
    }
}

/// Runs one test thread, because libtest itself sometimes leaks more with several.
#[test]
fn valgrind_finds_nothing_in_a_marked_test() {
    same_as_without(|run| run.arg(program("both")).arg("--test-threads=1"));
}

/// resmon's sampler thread runs during these measurements.
#[test]
fn valgrind_finds_nothing_in_measurements_side_by_side() {
    same_as_without(|run| run.arg(program("alone")).env("GUEST_DOES", "two threads"));
}
