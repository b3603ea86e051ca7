//! `cargo resmon compare` and `cargo resmon runs`: the real program on files of records.

#[path = "../report/command.rs"]
#[expect(dead_code, reason = "shared with the tests of the report")]
mod command;
#[path = "../report/records.rs"]
#[expect(dead_code, reason = "shared with the tests of the report")]
mod records;

#[cfg(unix)]
mod confirm;
mod limits;
mod mute;
mod outputs;
#[cfg(target_os = "linux")]
mod page;
mod project;
mod runs;
mod sides;
mod verdicts;
#[cfg(target_os = "linux")]
#[path = "../report/webdriver.rs"]
#[expect(dead_code, reason = "shared with the tests of the report")]
mod webdriver;
