//! The tests that the drivers run, besides the loads. In an ordinary run none waits for another.

use std::{
    env, fs,
    future::poll_fn,
    sync::{
        Barrier, Condvar, Mutex,
        atomic::{AtomicI32, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use crate::loads::{self, spin, touched};

/// Variable by which a driver asks for tests that wait for each other.
pub(crate) const DRIVEN: &str = "SUITE_DRIVEN";

fn is_driven() -> bool {
    env::var_os(DRIVEN).is_some()
}

/// An event that threads wait for without using CPU time.
struct Event(Mutex<bool>, Condvar);

impl Event {
    const fn new() -> Self {
        Self(Mutex::new(false), Condvar::new())
    }

    fn set(&self) {
        *self.0.lock().expect("no panic") = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let set = self.0.lock().expect("no panic");
        drop(self.1.wait_while(set, |set| !*set).expect("no panic"));
    }

    fn is_set(&self) -> bool {
        *self.0.lock().expect("no panic")
    }
}

/// Id of a test's thread, by which other tests see when the thread sleeps or ends.
struct Thread(AtomicI32);

impl Thread {
    const fn new() -> Self {
        Self(AtomicI32::new(0))
    }

    fn is_this(&self) {
        // SAFETY: the call only reads what the thread is.
        self.0.store(unsafe { libc::gettid() }, Ordering::Release);
    }

    /// Waits until the thread has started and ended.
    fn wait_for_end(&self) {
        self.wait_until(|stat| stat.is_none());
    }

    /// Waits until the thread has started and sleeps.
    fn wait_for_sleep(&self) {
        self.wait_until(|stat| stat.is_some_and(|stat| stat.contains(") S ")));
    }

    fn wait_until(&self, wanted: impl Fn(Option<String>) -> bool) {
        loop {
            let id = self.0.load(Ordering::Acquire);
            if id != 0 && wanted(fs::read_to_string(format!("/proc/self/task/{id}/stat")).ok()) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

const LONG: Duration = Duration::from_millis(100);

mod plain;

/// Two tests that use CPU time and memory until all loads have ended.
mod noise {
    use super::{Ordering, is_driven, loads};

    fn is_wanted() -> bool {
        is_driven() && loads::ENDED.load(Ordering::Acquire) < loads::COUNT
    }

    #[resmon::test]
    fn one() {
        while is_wanted() {}
    }

    #[resmon::test]
    fn two() {
        while is_wanted() {
            drop(super::touched(1 << 20));
        }
    }
}

/// An earlier test leaves a busy thread.
mod left {
    use super::{LONG, is_driven, spin, thread};

    #[test]
    fn a_leaves_a_spinner() {
        if is_driven() {
            thread::spawn(|| {
                loop {
                    spin(LONG);
                }
            });
        }
    }

    #[resmon::test]
    fn b_sleeps() {
        thread::sleep(LONG);
    }
}

/// An earlier test leaves a sleeping thread.
mod left_asleep {
    use super::{LONG, Thread, is_driven, spin, thread};

    #[test]
    fn a_leaves_a_sleeper() {
        static SLEEPER: Thread = Thread::new();
        if is_driven() {
            thread::spawn(|| {
                SLEEPER.is_this();
                loop {
                    thread::park();
                }
            });
            SLEEPER.wait_for_sleep();
        }
    }

    #[resmon::test]
    fn b_spins_in_another_thread() {
        thread::spawn(|| spin(LONG)).join().expect("no panic");
    }
}

mod together {
    use super::{Barrier, is_driven};

    static ALL: Barrier = Barrier::new(3);

    fn meet() {
        if is_driven() {
            ALL.wait();
        }
    }

    #[resmon::test]
    fn one() {
        meet();
        // A measured part of a test is not counted as a test.
        resmon::measure("a part of one of three", meet);
    }

    #[resmon::test]
    fn two() {
        meet();
        meet();
    }

    #[resmon::test]
    fn three() {
        meet();
        meet();
    }
}

mod parts {
    use super::{MEMORY, touched};

    #[resmon::test]
    fn outer() {
        resmon::measure("before it", || ());
        drop(touched(MEMORY));
        resmon::measure("after it", || ());
    }

    #[resmon::test]
    fn around() {
        resmon::measure("inner", || drop(touched(MEMORY)));
    }

    /// Opens each guard before the previous one ends.
    #[test]
    fn chain() {
        let first = resmon::guard("first");
        let second = resmon::guard("second");
        drop(first);
        let third = resmon::guard("third");
        drop(second);
        drop(third);
    }
}

const MEMORY: usize = 256 << 20;

mod moved {
    use super::{
        AtomicU32, Context, Event, LONG, Ordering, Poll, Waker, is_driven, poll_fn, spin, thread,
    };

    static SPINS: Event = Event::new();
    static ENDED: AtomicU32 = AtomicU32::new(0);

    #[test]
    fn a_spins() {
        SPINS.set();
        while is_driven() && ENDED.load(Ordering::Acquire) < 2 {
            spin(LONG / 20);
        }
    }

    fn begin() {
        if is_driven() {
            SPINS.wait();
        }
    }

    #[test]
    fn guard() {
        begin();
        let guard = resmon::guard("moved");
        spin(LONG);
        thread::spawn(move || drop(guard)).join().expect("no panic");
        ENDED.fetch_add(1, Ordering::Release);
    }

    /// Polls a future on its first thread, on another one, and on the first again. Part of that thread's time is not
    /// the future's.
    #[test]
    fn future() {
        begin();
        let mut polls = 0;
        let body = poll_fn(move |_| {
            spin(LONG / 5);
            polls += 1;
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut future = Box::pin(resmon::measure_async("there and back", body));
        assert!(!is_ready(&mut future));
        thread::scope(|scope| {
            scope.spawn(|| assert!(!is_ready(&mut future)));
        });
        spin(LONG);
        assert!(is_ready(&mut future));
        ENDED.fetch_add(1, Ordering::Release);
    }

    fn is_ready(future: &mut (impl Future + Unpin)) -> bool {
        let future = std::pin::Pin::new(future);
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }
}
