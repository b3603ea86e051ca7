#![doc = include_str!("../README.md")]

pub use resmon_macros::test;
#[cfg(feature = "alloc")]
pub use resmon_runtime::alloc::Alloc;
pub use resmon_runtime::guard::{Guard, guard, measure, try_measure};
pub use resmon_runtime::measured::{Measured, measure_async};

// Used by generated code. Not public API and thus not subject to SemVer.
#[doc(hidden)]
pub mod __private {
    pub use resmon_runtime::guard::enter;
    pub use resmon_runtime::probe::Probe;
    pub use resmon_runtime::run::{await_should_panic, run_exit_code, run_should_panic};
    pub use resmon_runtime::site;
}
