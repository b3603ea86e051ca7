//! The runtime of resmon. Use the crate `resmon`.
pub mod finish;
pub mod guard;
pub mod outcome;
pub mod probe;
pub mod site;
