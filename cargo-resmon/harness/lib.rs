//! The function to which the compiler hands all tests of a test binary, in the place of libtest's own, when `cargo resmon test`
//! builds it. It puts a guard of resmon around each test and hands them on to libtest, which does everything else.

#![feature(test)]

extern crate test;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::{env, fs};

use resmon_runtime::harness::{self, Charge};
use resmon_runtime::outcome::Outcome;
use test::{Bencher, ShouldPanic, TestDesc, TestDescAndFn, TestFn};

#[cfg(feature = "heap")]
#[global_allocator]
static ALLOC: resmon_runtime::alloc::Alloc = resmon_runtime::alloc::Alloc::system();

/// Runs the tests. The compiler calls this: it is the `test_runner` of the crate.
pub fn run(tests: &[&TestDescAndFn]) {
    harness::take_charge(charge());
    let arguments: Vec<String> = env::args().collect();
    test::test_main(&arguments, tests.iter().map(|test| guarded(test)).collect(), None);
}

/// The same test with a guard around it. Its description stays as it is.
fn guarded(test: &TestDescAndFn) -> TestDescAndFn {
    let (desc, guarded) = (test.desc.clone(), test.desc.clone());
    let testfn = match test.testfn {
        TestFn::StaticTestFn(body) => {
            TestFn::DynTestFn(Box::new(move || measured(&guarded, body)))
        }
        // libtest measures it, or runs it once as a test.
        TestFn::StaticBenchFn(body) => TestFn::DynBenchFn(Box::new(move |bencher: &mut Bencher| {
            measured(&guarded, || body(bencher))
        })),
        _ => panic!("the compiler makes no tests of this kind"),
    };
    TestDescAndFn { desc, testfn }
}

/// Runs a test and records it. A panic goes on to libtest, which has printed its message already.
fn measured(desc: &TestDesc, body: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let guard = harness::enter(desc.source_file, desc.name.as_slice());
    let result = catch_unwind(AssertUnwindSafe(|| __rust_begin_short_backtrace(body)));
    guard.finish(outcome(desc.should_panic, &result));
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// The standard library ends a short backtrace where it meets this name, so that it does not show what is in here.
#[inline(never)]
fn __rust_begin_short_backtrace<T>(body: impl FnOnce() -> T) -> T {
    std::hint::black_box(body())
}

/// How the test ended, by the rules of libtest: an error counts as a panic.
fn outcome(expected: ShouldPanic, result: &Result<Result<(), String>, Box<dyn Any + Send>>) -> Outcome {
    let message = match result {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.as_str()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Some(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default())
        }
    };
    let is_as_expected = match (expected, message) {
        (ShouldPanic::No, None) | (ShouldPanic::Yes, Some(_)) => true,
        (ShouldPanic::YesWithMessage(part), Some(message)) => message.contains(part),
        _ => false,
    };
    if is_as_expected { Outcome::Passed } else { Outcome::Failed }
}

/// Reads the notes of `cargo resmon` about this executable, from a file beside it that was written when it was built.
fn charge() -> Charge {
    let note = env::current_exe().map(|own| own.with_extension("resmon"));
    let note = note.and_then(fs::read_to_string).unwrap_or_default();
    let value = |name| note.lines().find_map(|line| line.strip_prefix(name));
    let text = |name| value(name).unwrap_or_default().to_owned();
    let path = |name| value(name).map(PathBuf::from);
    Charge {
        target: value("target=").map(str::to_owned),
        manifest_dir: path("manifest_dir="),
        out_dir: path("out_dir="),
        folder: text("folder="),
        root: text("root="),
    }
}
