//! The id of a run.

use std::env;

use resmon_record::config;

/// Returns the id of the `cargo test` or `cargo nextest run` that this process is part of: given by the user or by
/// nextest, else the name of the parent process, which all binaries of one run share.
pub(crate) fn run_id() -> Option<String> {
    [config::RUN_ID, "NEXTEST_RUN_ID"]
        .into_iter()
        .find_map(|name| env::var(name).ok().filter(|id| !id.trim().is_empty()))
        .or_else(parent)
}

#[cfg(target_os = "linux")]
fn parent() -> Option<String> {
    resmon_record::process::name_of(std::os::unix::process::parent_id())
}

#[cfg(not(target_os = "linux"))]
fn parent() -> Option<String> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

    let mut system = System::new();
    let mut read = |pid| {
        let kind = ProcessRefreshKind::nothing();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
        system.process(pid).map(|process| (process.parent(), process.start_time()))
    };
    let (parent, _) = read(sysinfo::get_current_pid().ok()?)?;
    let parent = parent?;
    let (_, started) = read(parent)?;
    Some(format!("{parent}-{started}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_the_same_for_every_call() {
        assert_eq!(parent(), parent());
        assert!(parent().is_some());
    }
}
