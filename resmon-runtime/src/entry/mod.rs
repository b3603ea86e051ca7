//! The functions that users and generated code call.

#[cfg(feature = "alloc")]
pub mod alloc;
pub mod probe;
pub mod run;
pub mod site;

#[cfg(all(measures, not(miri)))]
#[path = "measuring.rs"]
mod guest;
#[cfg(any(not(measures), miri))]
#[path = "plain.rs"]
mod guest;

pub use self::guest::*;
