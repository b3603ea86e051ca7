//! The runtime of [resmon](https://docs.rs/resmon), which is the crate to depend on. Its public items serve the facade
//! and the code that `#[resmon::test]` expands to, and may change in any release.
//!
//! The runtime is a guest in the user's test process: it measures and appends to files, and does nothing else. A
//! separate process talks to the network, see [`resmon_delivery`](https://docs.rs/resmon-delivery).
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
