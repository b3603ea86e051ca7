//! The runtime of [resmon](https://docs.rs/resmon), which is the crate to depend on. Its public items serve the facade
//! and the code that `#[resmon::test]` expands to, and may change in any release.
//!
//! The runtime is a guest in the user's test process: it measures and appends to files, and does nothing else. A
//! separate process talks to the network, see [`resmon_delivery`](https://docs.rs/resmon-delivery).
//!
//! The folders are layers, in the order of a record's way. A module knows its own layer and those below it:
//!
//! - `entry`: the functions that users and generated code call, above all the [`guard`] of a test
//! - `session`: the session of the process, with its open tests
//! - `write`: the destination of the records, and the journal that survives a crash
//! - `measure`: the readings of the machine, of the process and of a test
//! - `sys`: system calls, and files of the system

pub use resmon_record::outcome;

pub use self::entry::*;

// `measures` is set by the build script, for the systems that resmon can measure. Miri interprets the tests and has few
// of the system's calls.
mod entry;
#[cfg(all(measures, not(miri)))]
mod measure;
#[cfg(all(measures, not(miri)))]
mod session;
#[cfg(all(measures, not(miri)))]
mod sys;
#[cfg(all(measures, not(miri)))]
mod write;

#[cfg(all(measures, not(miri), unix, feature = "collector"))]
pub use self::session::{collector, outside};
