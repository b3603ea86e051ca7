//! Calls to the operating system that have rules of their own.

pub(crate) mod spawn;
