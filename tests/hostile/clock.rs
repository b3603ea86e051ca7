//! A wall clock that is set back while a test runs.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use crate::{folder, in_both_modes};

const DAY: i64 = 24 * 3600;

/// Seconds by which this process's wall clock is behind the machine's.
static BEHIND: AtomicI64 = AtomicI64::new(0);

/// Replaces the C library's function for all code of this executable, the standard library included.
#[unsafe(no_mangle)]
extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    // SAFETY: the caller passes a valid pointer, as the C library's function requires.
    unsafe {
        if libc::syscall(libc::SYS_clock_gettime, clock, time) != 0 {
            return -1;
        }
        if clock == libc::CLOCK_REALTIME {
            (*time).tv_sec -= BEHIND.load(Ordering::Relaxed);
        }
    }
    0
}

#[resmon::test]
#[ignore = "hostile"]
fn sets_the_clock_back() {
    if folder().is_some() {
        BEHIND.store(DAY, Ordering::Relaxed);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(20) {}
    }
}

#[test]
fn a_test_takes_as_long_as_it_takes() {
    in_both_modes("clock::sets_the_clock_back", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        let records = case.is_whole("passed", 0);
        let test = records.test(case.test);
        let duration = test.float("duration_s");
        assert!((0.02..60.0).contains(&duration), "{duration}");
        // The timestamp follows the changed clock.
        let back = records.start().time() - test.time();
        assert!(back > (DAY - 60) * 1000, "{back}");
    });
}
