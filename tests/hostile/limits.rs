//! Resource limits of the process.

use std::{fs, thread};

use crate::{
    Case, Mode, after, folder, in_both_modes, in_shell,
    support::{Finished, Record, Records},
};

/// Limits the size of files to this many bytes.
fn limit_files(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the pointer is to a limit of our own.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
}

#[resmon::test]
#[ignore = "hostile"]
fn limits_files() {
    if let Some(folder) = folder() {
        limit_files(16);
        fs::write(folder.join("own"), "within").expect("that much is allowed");
    }
}

/// Requires that the records were sent from memory or are lost with a warning, and that the test's file is intact.
fn assert_borne(case: &Case, run: &Finished) {
    let lost = run.warnings().iter().any(|warning| warning.contains("lost"));
    assert!(lost || case.records().events().len() == 3, "{}", run.stderr);
    assert_eq!(fs::read_to_string(case.folder.path().join("own")).expect("written"), "within");
}

#[test]
fn a_test_may_limit_the_size_of_files() {
    in_both_modes("limits::limits_files", assert_borne);
}

/// Repeats a race between delivery and the test.
#[test]
fn a_process_of_one_test_keeps_its_exit_code_whoever_is_first() {
    for test in ["limits::limits_files", "descriptors::closes_all"] {
        for round in 1..=20 {
            println!("{test}, round {round}");
            let case = Case::new(test, Mode::ProcessPerTest);
            case.hostile("").finish().exits(0);
        }
    }
}

#[test]
fn the_size_of_files_may_be_limited_from_the_start() {
    // A block has 512 bytes or 1024, depending on the shell. The limits allow no byte, no record, not all three
    // records, or no journal.
    for blocks in [0, 1, 4, 9] {
        after(&format!("ulimit -f {blocks};"), "limits::grows_no_file", |case, run| {
            let lost = run.warnings().iter().any(|warning| warning.contains("lost"));
            let complete = match case.mode {
                Mode::File => whole_lines(case).len() == 3,
                Mode::Tinybird | Mode::ProcessPerTest => case.records().events().len() == 3,
            };
            assert!(lost != complete, "{blocks}, {:?}: {}", case.mode, run.stderr);
            // A torn line does not spoil later records.
            case.switch_on(in_shell("", "harmless")).finish().exits(0);
            if case.mode == Mode::File {
                assert_eq!(Records(whole_lines(case)).test("harmless").outcome(), "passed");
            }
        });
    }
}

/// Returns the complete records of a file, in which one line may be torn.
fn whole_lines(case: &Case) -> Vec<Record> {
    let text = fs::read_to_string(case.file()).unwrap_or_default();
    let (whole, torn): (Vec<_>, Vec<_>) =
        text.split_inclusive('\n').partition(|line| line.ends_with("}\n"));
    assert!(torn.len() <= 1, "{text}");
    whole.into_iter().map(Record::parse).collect()
}

#[resmon::test]
#[ignore = "hostile"]
fn grows_no_file() {}

#[resmon::test]
#[ignore = "hostile"]
fn raises_sigxfsz() {
    if let Some(folder) = folder() {
        limit_files(16);
        // The test's own write raises the signal, as it does without resmon.
        let _ = fs::write(folder.join("own"), [b'x'; 17]);
    }
}

#[test]
fn the_signal_is_only_kept_from_what_resmon_writes() {
    in_both_modes("limits::raises_sigxfsz", |_, run| assert_eq!(run.code, None));
}

/// Starts a session and measures in a thread with a stack of 64 KiB.
#[test]
#[ignore = "hostile"]
fn has_a_small_stack() {
    if folder().is_some() {
        let small = thread::Builder::new().stack_size(64 << 10);
        let small = small.spawn(|| {
            resmon::measure("first", || ());
            resmon::measure("second", || ());
        });
        small.expect("a thread").join().expect("it does not panic");
    }
}

#[test]
fn a_stack_of_64_kib_is_enough() {
    in_both_modes("limits::has_a_small_stack", |case, run| {
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let records = case.records();
        assert_eq!(records.events(), ["session_start", "test", "test", "session_end"]);
        assert_eq!(records.end().int("exit_status"), 0);
    });
}

/// Measures for the first time when there is no room for the stack of another thread.
#[test]
#[ignore = "hostile"]
fn measures_without_room() {
    let Some(folder) = folder() else { return };
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = statm.split(' ').next().expect("a field").parse().expect("a number");
    let bytes = pages * 4096 + (3 << 19);
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the pointer is to a limit of our own.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    assert!(thread::Builder::new().spawn(|| ()).is_err());
    resmon::measure("without room for a thread", || ());
    fs::write(folder.join("passed"), "").expect("room for a file");
}

#[test]
fn without_room_for_a_thread_peaks_are_those_of_the_kernel() {
    in_both_modes("limits::measures_without_room", |case, run| {
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(case.folder.path().join("passed").exists());
        let warned = |what: &str| run.warnings().iter().any(|warning| warning.contains(what));
        // A process with one test needs no sampler thread.
        let is_needed = case.mode != Mode::ProcessPerTest;
        assert_eq!(warned("cannot start a thread"), is_needed, "{}", run.stderr);
        if case.mode == Mode::File {
            let records = case.records();
            let test = records.test("without room for a thread");
            assert!(test.has("rss_peak") && test.has("mem_available_min"), "{test:#?}");
        }
    });
}
