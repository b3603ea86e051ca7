//! `cargo resmon report`: the real program on files of records.

mod bad_input;
#[cfg(target_os = "linux")]
mod binaries;
mod browser;
mod command;
mod deaths;
mod html;
mod inputs;
mod json;
mod last;
mod markdown;
mod real;
mod records;
mod snapshots;
mod terminal;
#[cfg(target_os = "linux")]
mod webdriver;
