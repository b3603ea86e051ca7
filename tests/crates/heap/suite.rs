//! The tests that the drivers run.

use std::{
    future::{Future, poll_fn},
    hint::black_box,
    sync::Barrier,
    task::{Context, Poll, Waker},
    thread,
};

const MIB: usize = 1 << 20;

/// Allocates memory of this size in a way that the compiler cannot optimize away.
fn allocate(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(black_box(size)))
}

fn allocate_and_free(times: usize) {
    for _ in 0..times {
        drop(allocate(1024));
    }
}

mod budgets {
    use super::{MIB, allocate, allocate_and_free};

    #[resmon::test(max_heap = "2 MiB", max_allocs = 10)]
    fn within() {
        drop(allocate(2 * MIB));
        allocate_and_free(9);
    }

    #[resmon::test(max_heap = "1 MiB")]
    #[ignore = "fails"]
    fn over_heap() {
        drop(allocate(3 * MIB / 2));
    }

    #[resmon::test(max_allocs = 10)]
    #[ignore = "fails"]
    fn over_allocs() {
        allocate_and_free(11);
    }
}

mod one {
    use super::{MIB, allocate, allocate_and_free, black_box};

    #[resmon::test]
    fn nothing() {}

    #[resmon::test]
    fn ten_thousand() {
        allocate_and_free(10_000);
    }

    #[resmon::test]
    fn two_at_once() {
        let first = allocate(MIB);
        drop(allocate(MIB));
        drop(allocate(MIB));
        drop(first);
    }

    #[resmon::test]
    fn grows() {
        let mut memory = allocate(16);
        memory.reserve_exact(64);
        black_box(memory);
    }

    #[resmon::test]
    fn shrinks() {
        let mut memory = allocate(64);
        memory.shrink_to(16);
        black_box(memory);
    }

    #[resmon::test]
    fn zeroed() {
        black_box(vec![0_u8; black_box(4096)]);
    }

    #[resmon::test]
    fn never_freed() {
        std::mem::forget(allocate(100));
    }
}

mod parts {
    use super::{MIB, allocate};

    #[resmon::test]
    fn outer() {
        drop(allocate(2 * MIB));
        resmon::measure("before", || drop(allocate(MIB)));
        resmon::measure("within", || {
            drop(allocate(MIB));
            drop(allocate(2 * MIB));
        });
    }

    /// Opens guards that end in the order in which they began.
    #[resmon::test]
    fn overlap() {
        let second = resmon::guard("second");
        let first = resmon::guard("first");
        let memory = allocate(MIB);
        drop(first);
        let more = allocate(MIB);
        drop(second);
        drop((memory, more));
    }
}

/// Tests whose threads all start before the guard opens, because the start of a thread takes a varying amount of
/// memory.
mod threads {
    use super::{Barrier, allocate_and_free, thread};

    static JOINED: Barrier = Barrier::new(5);
    static LEFT: Barrier = Barrier::new(5);

    fn work(stage: &Barrier) {
        // The first wait ends when all threads run, the second when the guard is open.
        stage.wait();
        stage.wait();
        allocate_and_free(2500);
    }

    #[resmon::test]
    fn joined() {
        let threads = [(); 4].map(|()| thread::spawn(|| work(&JOINED)));
        JOINED.wait();
        let _guard = resmon::guard("work of threads that are joined");
        JOINED.wait();
        for thread in threads {
            thread.join().expect("no panic");
        }
    }

    #[resmon::test]
    fn scoped() {
        let stage = Barrier::new(5);
        let mut guard = None;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| work(&stage));
            }
            stage.wait();
            guard = Some(resmon::guard("work of threads in a scope"));
            stage.wait();
        });
    }

    /// Leaves threads running that have done their work.
    #[resmon::test]
    fn left_running() {
        for _ in 0..4 {
            thread::spawn(|| {
                work(&LEFT);
                LEFT.wait();
                loop {
                    thread::park();
                }
            });
        }
        LEFT.wait();
        let _guard = resmon::guard("work of threads that live on");
        LEFT.wait();
        LEFT.wait();
    }
}

mod peaks {
    use super::{Barrier, MIB, allocate, thread};

    #[resmon::test]
    fn four_threads_hold_a_mib_each() {
        let all = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // The pieces are too small for a thread to publish its balance.
                    let memory: [_; 64] = std::array::from_fn(|_| allocate(MIB / 64));
                    all.wait();
                    drop(memory);
                });
            }
        });
    }

    #[resmon::test]
    fn many_short_threads_leave_their_memory_to_others() {
        let memory: [_; 400] = std::array::from_fn(|_| {
            thread::spawn(|| allocate(MIB / 100)).join().expect("no panic")
        });
        drop(memory);
    }
}

/// Drops its guard on another thread.
#[resmon::test]
fn moved() {
    let guard = resmon::guard("moved");
    let memory = allocate(MIB);
    thread::scope(|scope| scope.spawn(move || drop(guard)).join().expect("no panic"));
    drop(memory);
}

/// Exits the process from another thread if `SUITE_EXITS` is set.
#[resmon::test]
fn exits() {
    if std::env::var_os("SUITE_EXITS").is_some() {
        drop(allocate(MIB));
        let _ = thread::spawn(|| std::process::exit(3)).join();
    }
}

/// Measures futures on one thread outside of a marked test.
#[test]
fn futures() {
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = Box::pin(resmon::measure_async("waits while another is polled", waits()));
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    let mut other = Box::pin(resmon::measure_async("is polled meanwhile", waits()));
    assert!(other.as_mut().poll(&mut context).is_pending());
    assert!(other.as_mut().poll(&mut context).is_ready());
    assert!(waiting.as_mut().poll(&mut context).is_ready());
}

async fn waits() {
    let mut polls = 0;
    poll_fn(|_| {
        allocate_and_free(5000);
        polls += 1;
        if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Tests that run at once if the driver provides a gate.
mod beside {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{MIB, allocate, allocate_and_free, thread};
    use crate::support::gate;

    /// Whether `counted` has ended.
    static COUNTED: AtomicBool = AtomicBool::new(false);

    #[resmon::test]
    fn counted() {
        gate::pass("SUITE_GATE");
        resmon::measure("counted within", || allocate_and_free(10_000));
        COUNTED.store(true, Ordering::Release);
    }

    fn until_counted() {
        let is_driven = std::env::var_os("SUITE_GATE").is_some();
        gate::pass("SUITE_GATE");
        allocate_and_free(10_000);
        while is_driven && !COUNTED.load(Ordering::Acquire) {
            allocate_and_free(100);
        }
    }

    #[resmon::test]
    fn loud() {
        until_counted();
    }

    #[resmon::test]
    fn louder() {
        until_counted();
    }

    #[resmon::test]
    fn spawns() {
        let guard = resmon::guard("moved beside others");
        gate::pass("SUITE_GATE");
        thread::spawn(|| drop(allocate(MIB))).join().expect("no panic");
        thread::spawn(|| drop(guard)).join().expect("no panic");
    }
}
