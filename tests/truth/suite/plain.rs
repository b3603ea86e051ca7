//! Plain tests, one of which measures something while others begin and end.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::{Event, LONG, Thread, is_driven};
use crate::loads::{cpu, spin, tell};

/// Measures `work`, and records the CPU time that this thread used.
fn measure(name: &str, work: impl FnOnce()) {
    let mut used = 0.0;
    resmon::measure(name, || {
        let start = cpu(libc::CLOCK_THREAD_CPUTIME_ID);
        work();
        used = cpu(libc::CLOCK_THREAD_CPUTIME_ID) - start;
    });
    tell(name, &used);
}

/// A plain test spins before another one begins to measure and until it has ended.
mod there_before {
    use super::{Event, LONG, is_driven, measure, spin, thread};

    static SPINS: Event = Event::new();
    static MEASURED: Event = Event::new();

    #[test]
    fn a_spins() {
        SPINS.set();
        while is_driven() && !MEASURED.is_set() {
            spin(LONG / 20);
        }
    }

    #[test]
    fn b_measures() {
        if is_driven() {
            SPINS.wait();
        }
        measure("there_before", || thread::sleep(LONG));
        MEASURED.set();
    }
}

/// A plain test begins while another one measures, on the test thread of one that has ended.
mod begins_during {
    use super::{Event, LONG, is_driven, measure, spin};

    static BEGUN: Event = Event::new();
    static SPUN: Event = Event::new();
    static MEASURED: Event = Event::new();

    #[test]
    fn a_measures() {
        measure("begins_during", || {
            BEGUN.set();
            if is_driven() {
                SPUN.wait();
            }
        });
        MEASURED.set();
    }

    #[test]
    fn b_makes_place() {
        if is_driven() {
            BEGUN.wait();
        }
    }

    #[test]
    fn c_spins() {
        spin(LONG);
        SPUN.set();
        while is_driven() && !MEASURED.is_set() {
            spin(LONG / 20);
        }
    }
}

/// A plain test begins and ends while another one measures, so that no trace of it is left.
mod comes_and_goes {
    use super::{Event, LONG, Thread, is_driven, measure, spin};

    static BEGUN: Event = Event::new();
    static SPINNER: Thread = Thread::new();

    #[test]
    fn a_measures() {
        measure("comes_and_goes", || {
            BEGUN.set();
            if is_driven() {
                SPINNER.wait_for_end();
            }
        });
    }

    #[test]
    fn b_makes_place() {
        if is_driven() {
            BEGUN.wait();
        }
    }

    #[test]
    fn c_spins() {
        SPINNER.is_this();
        spin(LONG);
    }
}

/// A plain test comes and goes as in `comes_and_goes`, while libtest's main thread is on a CPU.
mod busy_harness {
    use super::{AtomicBool, Event, LONG, Ordering, Thread, is_driven, measure, spin, thread};

    static HARNESS: Thread = Thread::new();
    static PLACE: Event = Event::new();
    static PLACE_MADE: Thread = Thread::new();
    static SPINNER: Thread = Thread::new();
    static IS_STOPPED: AtomicBool = AtomicBool::new(false);
    static GOES_ON: AtomicBool = AtomicBool::new(false);

    extern "C" fn stop(_signal: libc::c_int) {
        IS_STOPPED.store(true, Ordering::Release);
        while !GOES_ON.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
    }

    /// Keeps libtest's main thread busy in a signal handler. It waited for tests to end.
    fn stop_harness() {
        // SAFETY: the call only reads what the process is.
        HARNESS.0.store(unsafe { libc::getpid() }, Ordering::Release);
        PLACE_MADE.wait_for_sleep();
        HARNESS.wait_for_sleep();
        // SAFETY: the handler uses atomics only, and the main thread exists as long as the process.
        unsafe {
            libc::signal(libc::SIGUSR1, stop as extern "C" fn(libc::c_int) as libc::sighandler_t);
            libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::getpid(), libc::SIGUSR1);
        }
        while !IS_STOPPED.load(Ordering::Acquire) {
            thread::yield_now();
        }
    }

    #[test]
    fn a_measures() {
        if !is_driven() {
            return;
        }
        stop_harness();
        measure("busy_harness", || {
            PLACE.set();
            PLACE_MADE.wait_for_end();
            GOES_ON.store(true, Ordering::Release);
            SPINNER.wait_for_end();
        });
    }

    #[test]
    fn b_makes_place() {
        PLACE_MADE.is_this();
        if is_driven() {
            PLACE.wait();
        }
    }

    #[test]
    fn c_spins() {
        SPINNER.is_this();
        spin(LONG);
    }
}
