//! Plain tests, one of which measures something while others come and go.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::{Event, LONG, Thread, is_driven};
use crate::loads::{cpu, spin, tell};

/// Measures, and tells what CPU time this thread itself has used.
fn measure(name: &str, work: impl FnOnce()) {
    let mut used = 0.0;
    resmon::measure(name, || {
        let start = cpu(libc::CLOCK_THREAD_CPUTIME_ID);
        work();
        used = cpu(libc::CLOCK_THREAD_CPUTIME_ID) - start;
    });
    tell(name, &used);
}

/// A plain test spins before another begins to measure, and after it has ended.
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

/// A plain test that begins while another measures: in the place of one that has ended.
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

/// The same, which has left no trace when the measurement ends.
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

/// The same, with the harness's thread on a CPU when the measurement begins.
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

    /// Keeps the harness busy from now on, which waits for tests to end.
    fn stop_harness() {
        // SAFETY: the call only reads what the process is.
        HARNESS.0.store(unsafe { libc::getpid() }, Ordering::Release);
        PLACE_MADE.wait_for_sleep();
        HARNESS.wait_for_sleep();
        // SAFETY: the handler does nothing that could not be done at any moment; the main thread lives on.
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
