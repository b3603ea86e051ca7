//! System calls with rules of their own.

pub(crate) mod spawn;
