//! Delivers the records that sessions of [resmon](https://docs.rs/resmon) left in their spool directory. It runs in
//! processes of resmon's own, never in a test process. Not public API: anything may change in any release.
//!
//! - [`client`]: one request to Tinybird's Events API, and what its answer means
//! - [`connection`]: the rules of retrying, of splitting what is too large, and of the rate of requests
//! - [`spooled`]: the records of one session, as they lie in the spool
//! - [`sender`]: the process that sends for all test processes of a run
//! - [`backlog`]: what earlier sessions left, for `cargo resmon upload` and `doctor`

pub mod backlog;
pub mod client;
pub mod connection;
mod request;
pub mod sender;
pub mod spooled;
