//! Waiting for events in other processes.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Calls `found` until it returns a value. Panics after a minute.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    const LIMIT: Duration = Duration::from_secs(60);
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits for the end of the sender, which ends soon after the last test process. Returns the names of the files that are
/// left in the spool directory.
#[track_caller]
pub(crate) fn left_in_spool(spool: &Path) -> Vec<String> {
    wait_for("the end of the sender", || {
        let files = fs::read_dir(spool).expect("the session made it");
        let names: Vec<_> = files
            .map(|file| file.expect("a file").file_name().into_string().expect("text"))
            .collect();
        (!names.iter().any(|name| name.ends_with(".sender"))).then_some(names)
    })
}
