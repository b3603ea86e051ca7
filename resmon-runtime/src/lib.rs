//! The runtime of resmon. Use the crate `resmon`.
pub mod guard;
pub mod outcome;
pub mod site;
