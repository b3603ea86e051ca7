#![doc = include_str!("../README.md")]

pub use resmon_macros::test;
pub use resmon_runtime::guard::{Guard, guard, measure, try_measure};

// Used by generated code. Not public API and thus not subject to SemVer.
#[doc(hidden)]
pub mod __private {
    pub use resmon_runtime::finish::{expect_panic, expect_panic_async, report};
    pub use resmon_runtime::guard::{Guard, enter};
    pub use resmon_runtime::outcome::{Outcome, ShouldPanic};
    pub use resmon_runtime::probe::{AnyOutput, FallibleOutput, Probe};
    pub use resmon_runtime::site::Site;
}
