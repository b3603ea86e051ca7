//! The id that tells one run from another.

use std::env;

/// The id of the `cargo test` or `cargo nextest run` that this process is part of: given by the user or by
/// nextest, else that of the parent process, which all binaries of one run share.
pub(crate) fn run_id() -> Option<String> {
    ["RESMON_RUN_ID", "NEXTEST_RUN_ID"]
        .into_iter()
        .find_map(|name| env::var(name).ok().filter(|id| !id.trim().is_empty()))
        .or_else(parent)
}

/// A process id alone is used again, so its start time belongs to it, and to that the boot.
#[cfg(target_os = "linux")]
fn parent() -> Option<String> {
    let parent = std::os::unix::process::parent_id();
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).ok()?;
    // Field 22 of proc_pid_stat(5); field 2, the name, may itself hold spaces and brackets.
    let (_, after_name) = stat.rsplit_once(')')?;
    let started = after_name.split_ascii_whitespace().nth(19)?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(format!("{}-{parent}-{started}", boot.get(..8)?))
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
