//! The attribute works in crates that forbid unsafe code.

#![forbid(unsafe_code)]

#[path = "support/kinds/mod.rs"]
mod kinds;
