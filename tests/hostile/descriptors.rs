//! Tests that close all descriptors, resmon's included, and open files of their own under the same numbers.

use std::{
    fs::{self, File},
    io::Write,
    mem,
    ops::RangeInclusive,
};

use crate::{
    Case, Mode, after, folder, in_both_modes,
    support::{Gate, gate},
};

/// Closes descriptors, as daemons do, and opens up to 250 files that get their numbers. The files stay open.
fn closes(descriptors: RangeInclusive<i32>) {
    closes_and_opens(descriptors, 250);
}

/// Closes descriptors and opens at most this many files that get their numbers.
fn closes_and_opens(descriptors: RangeInclusive<i32>, most: usize) {
    let Some(folder) = folder() else { return };
    let own = descriptors.clone().count().min(most);
    for descriptor in descriptors {
        // SAFETY: the standard library does not rely on any of the descriptors closed here.
        unsafe { libc::close(descriptor) };
    }
    let own = own.min(limit().saturating_sub(4));
    for number in 0..own {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .open(folder.join(format!("own-{number}")))
            .expect("there is room for it");
        file.write_all(b"mine").expect("the disk is not full");
        mem::forget(file);
    }
}

fn limit() -> usize {
    // SAFETY: the call only reads a limit.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_OPEN_MAX) }).unwrap_or(16)
}

/// Requires that resmon wrote to none of the test's files and that the test could use them until its end. Returns the
/// number of those files.
#[track_caller]
fn assert_untouched(case: &Case) -> usize {
    let mut own = 0;
    for file in fs::read_dir(case.folder.path()).expect("a folder of our own") {
        let file = file.expect("a file");
        if file.file_name().to_string_lossy().starts_with("own-") {
            own += 1;
            // A file under the number of stdout also has libtest's output.
            let text = String::from_utf8(fs::read(file.path()).expect("readable")).expect("text");
            assert!(text.starts_with("mine"), "{text:?}");
            assert!(!text.contains("event_type") && !text.contains("resmon"), "{text:?}");
        }
    }
    assert!(own > 10, "{own}");
    own
}

#[resmon::test]
#[ignore = "hostile"]
fn closes_3_to_255() {
    closes(3..=255);
}

#[resmon::test]
#[ignore = "hostile"]
fn closes_0_to_255() {
    closes(0..=255);
}

#[resmon::test]
#[ignore = "hostile"]
fn closes_all() {
    closes(3..=4096);
}

#[test]
fn descriptors_that_are_closed_are_not_resmons() {
    in_both_modes("descriptors::closes_3_to_255", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        assert_untouched(case);
        case.is_whole("passed", 0);
    });
}

#[test]
fn standard_streams_may_become_something_else() {
    in_both_modes("descriptors::closes_0_to_255", |case, _| {
        assert_untouched(case);
        case.is_whole("passed", 0);
    });
}

#[test]
fn where_all_are_closed_records_find_another_way() {
    in_both_modes("descriptors::closes_all", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        assert_untouched(case);
        case.is_whole("passed", 0);
    });
}

#[resmon::test]
#[ignore = "hostile"]
fn closes_all_and_opens_900() {
    closes_and_opens(3..=4096, 900);
}

/// resmon's descriptors have high numbers, but a test may get any number.
#[test]
fn high_numbers_may_become_the_tests_own() {
    after("ulimit -n 1024;", "descriptors::closes_all_and_opens_900", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        assert_eq!(assert_untouched(case), 900);
        case.is_whole("passed", 0);
    });
}

/// Sets a limit without high numbers, so that the test closes resmon's descriptors and reuses their numbers.
#[test]
fn a_low_limit_leaves_none_out_of_reach() {
    after("ulimit -n 64;", "descriptors::closes_all", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        assert_untouched(case);
        case.is_whole("passed", 0);
    });
}

#[resmon::test]
#[ignore = "hostile"]
fn opens_some() {
    if let Some(folder) = folder() {
        let own: Vec<_> = (0..5).map(|_| File::open(&folder).expect("within the limit")).collect();
        assert_eq!(own.len(), 5);
    }
}

#[test]
fn sixteen_descriptors_are_enough() {
    after("ulimit -n 16;", "descriptors::opens_some", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        case.is_whole("passed", 0);
    });
}

#[resmon::test]
#[ignore = "hostile"]
fn finds_no_socket() {
    gate::pass("HOSTILE_GATE");
    let open = fs::read_dir("/proc/self/fd").expect("Linux has it").flatten();
    let open: Vec<_> = open.filter_map(|open| fs::read_link(open.path()).ok()).collect();
    assert!(!open.iter().any(|open| open.to_string_lossy().starts_with("socket:")), "{open:?}");
}

/// Requires that a test cannot close the connection: its owner would later close the number again, which may by then
/// belong to another file.
#[test]
fn the_connection_is_not_among_the_descriptors_of_the_tests() {
    let (case, gate) = (Case::new("descriptors::finds_no_socket", Mode::Tinybird), Gate::closed());
    let run = case.hostile("").env("HOSTILE_GATE", gate.address()).start();
    let at_the_gate = gate.wait_for(1);
    case.server.wait_for(1);
    drop(at_the_gate);
    run.finish().exits(0);
    case.is_whole("passed", 0);
}
