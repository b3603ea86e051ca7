//! A control group with a memory limit, and a file system of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant},
};

use super::Run;

/// A control group that is removed when it is dropped.
pub(crate) struct ControlGroup(PathBuf);

impl ControlGroup {
    /// Creates a group with this limit in bytes: in the hierarchy of version 1, or of version 2. Where that is not allowed
    /// says so and returns `None`.
    pub(crate) fn limited(name: &str, bytes: u64) -> Option<Self> {
        let name = format!("resmon-{name}-{}", process::id());
        for (hierarchy, limit) in
            [("memory", "memory.limit_in_bytes"), ("unified", "memory.max"), ("", "memory.max")]
        {
            let folder = Path::new("/sys/fs/cgroup").join(hierarchy).join(&name);
            if fs::create_dir(&folder).is_err() {
                continue;
            }
            let group = Self(folder);
            // Without the controller, the file is not there.
            let is_limited = fs::write(group.0.join(limit), bytes.to_string()).is_ok();
            let _ = fs::write(group.0.join("memory.swap.max"), "0");
            if is_limited {
                return Some(group);
            }
        }
        println!("skipped: no control group with a memory limit can be made here");
        None
    }

    /// Creates a run of a program in this group.
    pub(crate) fn run(&self, program: &str) -> Run {
        let procs = self.0.join("cgroup.procs");
        let script = "echo $$ > \"$0\" && exec \"$@\"";
        Run::new("sh").args(["-c", script]).arg(procs).arg(program)
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // The group can be removed when its last process has ended, which the kernel finishes in the background.
        let start = Instant::now();
        while fs::remove_dir(&self.0).is_err() && start.elapsed() < Duration::from_secs(10) {
            thread::yield_now();
        }
    }
}

/// Creates a run of a program that sees a file system of 256 KiB in this folder. It goes away with the program. Where that
/// is not allowed says so and returns `None`.
pub(crate) fn with_small_disk(folder: &Path, program: &str) -> Option<Run> {
    let mounted = |program: &str| {
        let script = "mount -t tmpfs -o size=256k tmpfs \"$0\" && exec \"$@\"";
        let run = Run::new("unshare").args(["--mount", "sh", "-c", script]);
        run.arg(folder).arg(program)
    };
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if is_root && mounted("true").finish().code == Some(0) {
        return Some(mounted(program));
    }
    println!("skipped: no file system can be mounted here");
    None
}
