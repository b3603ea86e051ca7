//! Leak checkers, of which each block or thread that is still there at the end is an error.

use std::fs;

use crate::{Guest, Mode, program, support::Run};

/// The exit code by which valgrind tells of an error.
const ERROR: i32 = 9;

/// Leaves out the main thread's handle, which Rust's standard library keeps to the end.
const HANDLE: &str = "{
    handle
    Memcheck:Leak
    match-leak-kinds: possible
    fun:malloc
    ...
    fun:*init_current*
}
";

/// Runs what `program` has arguments for, and requires that valgrind says of it what it says without resmon.
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

/// With one test thread: more of libtest's are errors for valgrind at times.
#[test]
fn valgrind_finds_nothing_in_a_marked_test() {
    same_as_without(|run| run.arg(program("both")).arg("--test-threads=1"));
}

/// Whose peaks of memory are sampled by a thread of resmon's.
#[test]
fn valgrind_finds_nothing_in_measurements_side_by_side() {
    same_as_without(|run| run.arg(program("alone")).env("GUEST_DOES", "two threads"));
}
