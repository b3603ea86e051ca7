//! Helpers of the integration tests. Each test uses only some of them, hence the `allow`.
#![allow(dead_code, unused_imports)]

pub(crate) mod answer;
pub(crate) mod fixture;
#[cfg(unix)]
pub(crate) mod fork;
pub(crate) mod gate;
#[cfg(target_os = "linux")]
pub(crate) mod group;
pub(crate) mod published;
pub(crate) mod record;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod server;
pub(crate) mod wait;

pub(crate) use answer::Answer;
pub(crate) use fixture::Fixture;
pub(crate) use gate::Gate;
pub(crate) use record::{Record, Records};
pub(crate) use request::Request;
pub(crate) use run::{Counts, Finished, Run, Running, has_nextest, host, reported};
pub(crate) use server::{Nobody, Server};
pub(crate) use wait::{left_in_spool, wait_for};
