//! Delivery of the records that sessions of [resmon](https://docs.rs/resmon) leave in their spool directory. It runs in
//! processes of resmon's own, never in a test process. Not public API: anything may change in any release.
//!
//! - [`client`]: one request to Tinybird's Events API, and the meaning of its answer
//! - [`connection`]: retries, the splitting of large requests, and the rate of requests
//! - [`spooled`]: the records of one session in the spool
//! - [`sender`]: the process that sends for all test processes of a run
//! - [`backlog`]: undelivered records of earlier sessions, for `cargo resmon upload` and `doctor`

pub mod backlog;
pub mod client;
pub mod connection;
mod request;
pub mod sender;
pub mod spooled;
