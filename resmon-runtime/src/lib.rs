//! The runtime of [resmon](https://docs.rs/resmon), which is the crate to depend on: what is public
//! here serves the facade and the code that `#[resmon::test]` expands to, and may change in any release.
//!
//! It is a guest in somebody else's test process: it measures and appends to files, and does nothing else. Whatever
//! talks to the network is a process of its own, see [`resmon_delivery`](https://docs.rs/resmon-delivery).
//!
//! A record travels one way: [`site`] → [`guard`] → `snapshot` → `session` → `write`.

pub mod probe;
pub mod run;
pub mod site;

pub use resmon_record::outcome;

// `measures` is set by the build script, for the systems that resmon can measure. Miri interprets the tests and has few
// of the system's calls.
#[cfg(all(measures, not(miri)))]
#[path = "measuring.rs"]
mod guest;
#[cfg(any(not(measures), miri))]
#[path = "plain.rs"]
mod guest;

pub use self::guest::*;
