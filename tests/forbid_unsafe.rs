//! The expansion has no unsafe code, for crates that forbid it.

#![forbid(unsafe_code)]

mod kinds;
