//! The base that all parts of [resmon](https://docs.rs/resmon) share: the fields of a record and how they are written, the
//! variables that configure it, and the directory in which records wait to be sent.
//!
//! The guest (`resmon-runtime`, in the user's test process) writes what this crate describes. The host
//! (`resmon-delivery`, in processes of resmon's own) reads it. Not public API: anything may change in any release.

pub mod bytes;
pub mod config;
pub mod fields;
pub mod fingerprint;
pub mod line;
pub mod outcome;
pub mod process;
pub mod session_id;
pub mod source;
pub mod spool;
pub mod timestamp;
pub mod torn;
