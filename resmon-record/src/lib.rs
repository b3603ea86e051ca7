//! The base of all parts of [resmon](https://docs.rs/resmon): the fields of a record and their format, the variables
//! that configure resmon, and the spool, the directory in which records wait to be sent.
//!
//! The guest (`resmon-runtime`, in the user's test process) writes these files. The host (`resmon-delivery`, in
//! processes of resmon's own) reads them. Not public API: anything may change in any release.

pub mod bytes;
pub mod column;
pub mod config;
mod digits;
pub mod fields;
mod file;
pub mod fingerprint;
pub mod line;
pub mod outcome;
pub mod process;
pub mod session_id;
pub mod source;
pub mod spool;
pub mod timestamp;
pub mod torn;
