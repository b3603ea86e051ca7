//! The attribute works in crates that forbid unsafe code.

#![forbid(unsafe_code)]

mod kinds;
