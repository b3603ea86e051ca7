//! Measured futures: the records of this binary's own tests of [`suite`], run in a new process.

mod support;

use std::path::Path;

use support::{Record, Records, Run};
use tempfile::tempdir;

mod suite {
    use std::{
        future::{pending, poll_fn, ready},
        panic::{AssertUnwindSafe, catch_unwind},
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
        thread,
        time::{Duration, Instant},
    };

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn end<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = poll(future.as_mut()) {
                return value;
            }
        }
    }

    /// Returns `Pending` once, then `Ready`.
    async fn waits() {
        let mut polled = false;
        poll_fn(
            |_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending },
        )
        .await;
    }

    #[test]
    fn outcomes() {
        end(resmon::measure_async("does", waits()));
        assert_eq!(end(resmon::measure_async(String::from("becomes"), ready(42))), 42);
        let panics = resmon::measure_async("panics", async { panic!("as asked") });
        assert!(catch_unwind(AssertUnwindSafe(|| end(panics))).is_err());
        let mut dropped = Box::pin(resmon::measure_async("dropped", pending::<()>()));
        assert!(poll(dropped.as_mut()).is_pending());
        drop(dropped);
        drop(resmon::measure_async("never polled", waits()));
    }

    /// Borrows the name and the future's data for different lifetimes.
    #[test]
    fn lifetimes() {
        let mut list = Vec::new();
        let future = {
            let name = String::from("borrows");
            resmon::measure_async(&name, async { list.push(1) })
        };
        end(future);
        assert_eq!(list, [1]);
    }

    #[test]
    fn panics_late() {
        let mut late = Box::pin(resmon::measure_async("panics late", async {
            waits().await;
            panic!("as asked");
        }));
        assert!(poll(late.as_mut()).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| poll(late.as_mut()))).is_err());
        // The measurement has ended, although the future has not been dropped.
        resmon::measure("after the panic", || {});
    }

    #[test]
    fn take_turns() {
        let (mut left, mut right) = (
            pin!(resmon::measure_async("left", waits())),
            pin!(resmon::measure_async("right", waits())),
        );
        assert!(poll(left.as_mut()).is_pending());
        assert!(poll(right.as_mut()).is_pending());
        assert!(poll(left.as_mut()).is_ready());
        assert!(poll(right.as_mut()).is_ready());
    }

    #[test]
    fn moves() {
        let mut moving = Box::pin(resmon::measure_async("moves", async {
            waits().await;
            resmon::measure("within what moved", || {});
        }));
        assert!(poll(moving.as_mut()).is_pending());
        // The waiting future does not occupy the thread.
        resmon::measure("meanwhile", || {});
        let moved = thread::spawn(move || assert!(poll(moving.as_mut()).is_ready()));
        moved.join().expect("no panic");
    }

    #[resmon::test]
    fn part_of_a_test() {
        end(resmon::measure_async("part", waits()));
    }

    /// Prints the seconds since its first poll.
    #[test]
    fn begins_with_its_first_poll() {
        let pause = || thread::sleep(Duration::from_millis(50));
        let made = Instant::now();
        let mut slow = pin!(resmon::measure_async("slow", waits()));
        pause();
        let polled = Instant::now();
        assert!(poll(slow.as_mut()).is_pending());
        pause();
        assert!(poll(slow.as_mut()).is_ready());
        let (made, polled) = (made.elapsed(), polled.elapsed());
        assert!(made >= polled + Duration::from_millis(50));
        println!("polled {} s", polled.as_secs_f64());
    }
}

/// Returns a run with the variable that Cargo sets, from which tests without the attribute get their package.
fn run(filter: &str, file: &Path) -> Run {
    Run::own_tests(filter).env("CARGO_PKG_NAME", "resmon").env("RESMON_FILE", file)
}

fn records() -> Records {
    let folder = tempdir().expect("a folder of our own");
    let file = folder.path().join("records.ndjson");
    let run = run("suite::", &file).arg("--test-threads=1");
    assert!(run.finish().exits(0).is_quiet());
    Records::of_file(file)
}

fn concurrent(test: &Record) -> i64 {
    test.int("concurrent_tests")
}

#[test]
fn each_future_that_was_polled_has_one_record() {
    let records = records();
    for (name, outcome) in [
        ("does", "passed"),
        ("becomes", "unknown"),
        ("panics", "failed"),
        ("dropped", "unfinished"),
        ("borrows", "passed"),
        ("panics late", "failed"),
        ("after the panic", "passed"),
        ("left", "passed"),
        ("right", "passed"),
        ("moves", "passed"),
        ("within what moved", "passed"),
        ("meanwhile", "passed"),
        ("suite::part_of_a_test", "passed"),
        ("part", "passed"),
        ("slow", "passed"),
    ] {
        let test = records.test(name);
        assert_eq!(test.outcome(), outcome, "{name}");
        assert_eq!(test.id(), format!("tests/measure_async.rs::{name}"));
    }
    assert_eq!(records.tests().len(), 15);
    assert_eq!(records.end().int("tests_failed"), 2);
}

#[test]
fn what_came_before_the_first_poll_is_not_measured() {
    let folder = tempdir().expect("a folder of our own");
    let file = folder.path().join("records.ndjson");
    let run = run("suite::begins", &file).arg("--nocapture");
    let run = run.finish().exits(0);
    let polled = run.stdout.split("polled ").nth(1).and_then(|rest| rest.split(' ').next());
    let polled: f64 = polled.and_then(|seconds| seconds.parse().ok()).expect("printed");
    let measured = Records::of_file(file).test("slow").float("duration_s");
    assert!((0.05..=polled).contains(&measured), "{measured} of {polled}");
}

#[test]
fn futures_that_wait_at_once_run_at_once() {
    let records = records();
    for (name, expected) in [
        ("left", 2),
        ("right", 2),
        ("moves", 2),
        ("meanwhile", 2),
        ("within what moved", 1),
        ("after the panic", 1),
        ("part", 1),
        ("suite::part_of_a_test", 1),
        ("dropped", 1),
    ] {
        assert_eq!(concurrent(records.test(name)), expected, "{name}");
    }
}
