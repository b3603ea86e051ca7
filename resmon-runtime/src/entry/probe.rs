//! The outcome of a test by its return value.

use std::marker::PhantomData;
use std::ops::Deref;
use std::process::ExitCode;

use super::guard::Guard;
use super::run::{Judge, passed_if, run_value};
use super::site::Site;
use crate::outcome::Outcome;

/// The way to the judge of a type that the macro does not know. Method resolution takes the method of the probe where
/// there is one for that type, else that of [`Fallible`], else that of [`Opaque`]. The user's traits come after all of
/// these.
#[derive(Debug)]
pub struct Probe<T>(Fallible<T>);

/// A `Result` whose `Ok` value only libtest may ask for its meaning.
#[derive(Debug)]
pub struct Fallible<T>(Opaque<T>);

/// A value that only libtest may ask for its meaning.
#[derive(Debug)]
pub struct Opaque<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// Probes the type that this function returns.
    #[must_use]
    pub fn of(_: fn() -> T) -> Self {
        Probe(Fallible(Opaque(PhantomData)))
    }

    /// Probes the type of this value.
    #[must_use]
    pub fn like(_: &T) -> Self {
        Probe(Fallible(Opaque(PhantomData)))
    }
}

/// Implements the judgement of tests that return this type.
macro_rules! judge {
    ($(<$($parameter:ident),+>)? $level:ident<$output:ty>, $judge:expr) => {
        impl $(<$($parameter),+>)? $level<$output> {
            /// Runs a test and judges its return value.
            ///
            /// # Errors
            ///
            /// Errors of the test.
            pub fn __resmon_run(&self, site: &'static Site, test: fn() -> $output) -> $output {
                run_value(site, test, $judge)
            }

            /// Judges the return value of a test, and ends its guard.
            pub fn __resmon_finish(&self, guard: Guard, output: &$output) {
                let judge: Judge<$output> = $judge;
                guard.finish(judge(output));
            }
        }
    };
}

// Reached through an alias of `()`.
judge!(Probe<()>, |()| Outcome::Passed);
judge!(Probe<ExitCode>, |code| passed_if(*code == ExitCode::SUCCESS));
judge!(<E> Probe<Result<(), E>>, |result| passed_if(result.is_ok()));
judge!(<E> Probe<Result<ExitCode, E>>, |result| {
    passed_if(result.as_ref().is_ok_and(|code| *code == ExitCode::SUCCESS))
});
// A value gives its exit code only once, and libtest needs it.
judge!(<T, E> Fallible<Result<T, E>>, |result| {
    if result.is_ok() { Outcome::Unknown } else { Outcome::Failed }
});
judge!(<T> Opaque<T>, |_| Outcome::Unknown);

impl<T> Deref for Probe<T> {
    type Target = Fallible<T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> Deref for Fallible<T> {
    type Target = Opaque<T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
