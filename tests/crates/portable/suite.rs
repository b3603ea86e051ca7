//! The whole public API, for targets of which little more is known than that Rust's tests run there. `.ci/run` checks
//! this package for many targets, and runs it where it can.

use std::process::{ExitCode, Termination};

#[cfg(feature = "alloc")]
#[global_allocator]
static ALLOC: resmon::Alloc = resmon::Alloc::system();

#[resmon::test]
fn passes() {}

#[resmon::test]
#[should_panic = "four"]
fn panics() {
    panic!("two and two are four");
}

#[resmon::test]
fn returns_a_result() -> Result<(), std::num::ParseIntError> {
    let value: i32 = "12".parse()?;
    assert_eq!(value, 12);
    Ok(())
}

#[resmon::test]
fn returns_an_exit_code() -> impl Termination {
    ExitCode::SUCCESS
}

#[resmon::test]
fn has_guards_of_its_own() {
    let guard = resmon::guard("guard");
    guard.fail();
    drop(guard);
    assert_eq!(resmon::measure("measure", || 2), 2);
    assert_eq!(resmon::try_measure("try_measure", || "x".parse::<i32>()).ok(), None);
}

#[resmon::test]
fn measures_a_future() {
    let future = std::pin::pin!(resmon::measure_async("measure_async", async { 3 }));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(future.poll(&mut context), std::task::Poll::Ready(3));
}
