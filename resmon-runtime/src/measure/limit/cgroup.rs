//! Limits of control groups, of version 1, 2 and both at once: see `cgroups(7)`.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use resmon_record::spool::read_at;

use super::Limit;
use super::mounts::Mount;
use crate::sys::descriptor;

/// Reads the limits of this process.
pub(super) fn limit() -> Option<Limit> {
    let groups = read(Path::new("/proc/self/cgroup"), 1 << 16).ok()?;
    let mountinfo = read(Path::new("/proc/self/mountinfo"), 1 << 20).ok()?;
    Some(limit_of(&groups, &mountinfo))
}

/// Returns the directories of this process's control group for memory and of its parents, the innermost first.
#[cfg(feature = "collector")]
pub(super) fn memory_directories() -> Option<(Version, Vec<PathBuf>)> {
    let groups = read(Path::new("/proc/self/cgroup"), 1 << 16).ok()?;
    let mountinfo = read(Path::new("/proc/self/mountinfo"), 1 << 20).ok()?;
    directories(&groups, &mountinfo, "memory")
}

/// Finds the directories of a process's control group for a controller and of its parents, the innermost first.
fn directories(
    groups: &[u8],
    mountinfo: &[u8],
    controller: &str,
) -> Option<(Version, Vec<PathBuf>)> {
    let (version, group) = group(groups, controller)?;
    let name = (version == Version::One).then_some(controller);
    Some((version, Mount::find(mountinfo, name, group)?.directories(group)))
}

/// Reads the limits of a process from the content of its files `cgroup` and `mountinfo` in `/proc`.
fn limit_of(groups: &[u8], mountinfo: &[u8]) -> Limit {
    let directories = |controller| directories(groups, mountinfo, controller);
    let memory = directories("memory").and_then(|(version, directories)| {
        directories.into_iter().filter_map(|directory| memory(version, &directory)).min()
    });
    let cpus = directories("cpu").and_then(|(version, directories)| {
        directories
            .into_iter()
            .filter_map(|directory| cpus(version, &directory))
            .min_by(f64::total_cmp)
    });
    Limit { memory, cpus }
}

/// The version of the hierarchy that a controller is in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Version {
    One,
    Two,
}

/// Finds the control group of a process for this controller, from lines like `4:cpu,cpuacct:/path` of version 1 and
/// `0::/path` of version 2. Version 2 has the controllers that version 1 does not have.
fn group<'a>(groups: &'a [u8], controller: &str) -> Option<(Version, &'a Path)> {
    let mut second = None;
    for line in groups.split(|&byte| byte == b'\n') {
        let mut fields = line.splitn(3, |&byte| byte == b':');
        let (Some(hierarchy), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        if controllers.split(|&byte| byte == b',').any(|name| name == controller.as_bytes()) {
            return Some((Version::One, path));
        }
        if hierarchy == b"0" {
            second = Some((Version::Two, path));
        }
    }
    second
}

/// The lower bound of a value that means no limit: version 1 writes the greatest number of pages, in bytes.
const NO_LIMIT: u64 = 1 << 62;

/// Reads the limit of a group's memory in bytes. `None` if it has none.
pub(super) fn memory(version: Version, directory: &Path) -> Option<u64> {
    let file = match version {
        Version::One => "memory.limit_in_bytes",
        Version::Two => "memory.max",
    };
    text(directory, file)?.trim_ascii_end().parse().ok().filter(|&bytes| bytes < NO_LIMIT)
}

fn cpus(version: Version, directory: &Path) -> Option<f64> {
    let (quota, period) = match version {
        Version::One => {
            let quota = number(&text(directory, "cpu.cfs_quota_us")?)?;
            (quota, number(&text(directory, "cpu.cfs_period_us")?)?)
        }
        Version::Two => {
            let text = text(directory, "cpu.max")?;
            let (quota, period) = text.trim_ascii_end().split_once(' ')?;
            (number(quota)?, number(period)?)
        }
    };
    (period > 0.0).then(|| quota / period)
}

/// Parses a number. `None` for `max` and -1, which mean no limit.
fn number(text: &str) -> Option<f64> {
    u32::try_from(text.trim_ascii_end().parse::<u64>().ok()?).ok().map(f64::from)
}

/// Reads a file of a control group. The root has none of these files.
pub(super) fn text(directory: &Path, file: &str) -> Option<String> {
    String::from_utf8(read(&directory.join(file), 256).ok()?).ok()
}

/// Reads a file of the kernel, about as far as `most` bytes.
fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let result = loop {
        match read_at(&file, &mut piece, bytes.len() as u64) {
            Ok(0) => break Ok(bytes),
            Ok(_) if bytes.len() as u64 >= most => break Ok(bytes),
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(error) => break Err(error),
        }
    };
    descriptor::close(file);
    result
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Creates a tree of files in a folder of its own, and reads the limits for these control groups and mounts.
    fn limits(groups: &str, mounts: &[(&str, &str, &str)], files: &[(&str, &str)]) -> Limit {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut mountinfo = vec!["22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw".to_owned()];
        for (root, point, kind) in mounts {
            let point = folder.join(point);
            mountinfo.push(format!("31 22 0:28 {root} {} rw shared:9 - {kind}", point.display()));
        }
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        limit_of(groups.as_bytes(), mountinfo.join("\n").as_bytes())
    }

    fn limit(memory: impl Into<Option<u64>>, cpus: impl Into<Option<f64>>) -> Limit {
        Limit { memory: memory.into(), cpus: cpus.into() }
    }

    const V2: &[(&str, &str, &str)] = &[("/", "cg", "cgroup2 cgroup2 rw,nsdelegate")];
    const V1: &[(&str, &str, &str)] = &[
        ("/", "cpu,cpuacct", "cgroup cgroup rw,cpu,cpuacct"),
        ("/", "memory", "cgroup cgroup rw,memory"),
    ];

    #[test]
    fn version_2_takes_the_lowest_of_all_groups_above() {
        let files = [
            ("cg/a/b/memory.max", "max\n"),
            ("cg/a/b/cpu.max", "250000 100000\n"),
            ("cg/a/memory.max", "1073741824\n"),
            ("cg/a/cpu.max", "max 100000\n"),
            ("cg/memory.max", "2147483648\n"),
            ("cg/cpu.max", "30000 20000\n"),
        ];
        assert_eq!(limits("0::/a/b\n", V2, &files), limit(1 << 30, 1.5));
        assert_eq!(limits("0::/a/b\n", V2, &files[..4]), limit(1 << 30, 2.5));
        assert_eq!(limits("0::/\n", V2, &files), limit(2 << 30, 1.5));
        assert_eq!(limits("0::/x\n", V2, &files[..4]), limit(None, None));
    }

    #[test]
    fn version_1_has_its_own_names() {
        let groups = "9:name=systemd:/\n4:memory:/m/n\n2:cpu,cpuacct:/c\n0::/\n";
        let files = [
            ("memory/m/n/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/m/memory.limit_in_bytes", "536870912\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("cpu,cpuacct/c/cpu.cfs_quota_us", "50000\n"),
            ("cpu,cpuacct/c/cpu.cfs_period_us", "100000\n"),
            ("cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(limits(groups, V1, &files), limit(512 << 20, 0.5));
        assert_eq!(limits(groups, V1, &files[..1]).memory, None);
        // A period of 0 is no limit, and neither is a quota without a period.
        let odd = [files[3], ("cpu,cpuacct/c/cpu.cfs_period_us", "0\n")];
        assert_eq!(limits(groups, V1, &odd), limit(None, None));
        assert_eq!(limits(groups, V1, &files[3..4]), limit(None, None));
    }

    #[test]
    fn with_both_versions_each_controller_counts_where_it_is() {
        let mounts = [V2[0], V1[1]];
        let files = [
            ("memory/m/memory.limit_in_bytes", "4096\n"),
            ("cg/s/memory.max", "1\n"),
            ("cg/s/cpu.max", "100000 100000\n"),
        ];
        assert_eq!(limits("4:memory:/m\n0::/s\n", &mounts, &files), limit(4096, 1.0));
        // Version 1 has the controller, but its hierarchy is not mounted here.
        assert_eq!(limits("4:memory:/m\n0::/s\n", V2, &files), limit(None, 1.0));
    }

    #[test]
    fn a_container_that_shows_its_group_as_the_root_is_limited_by_it() {
        let docker = "/docker/0123";
        let mounts =
            [(docker, "cg", "cgroup2 cgroup rw"), (docker, "memory", "cgroup cgroup rw,memory")];
        let files = [
            ("cg/cpu.max", "150000 100000\n"),
            ("memory/memory.limit_in_bytes", "8192\n"),
            ("memory/sub/memory.limit_in_bytes", "4096\n"),
        ];
        for group in ["/docker/0123", "/", "/../elsewhere"] {
            let groups = format!("4:memory:{group}\n0::{group}\n");
            assert_eq!(limits(&groups, &mounts, &files), limit(8192, 1.5), "{group}");
        }
        let groups = format!("4:memory:{docker}/sub\n0::{docker}\n");
        assert_eq!(limits(&groups, &mounts, &files), limit(4096, 1.5));
    }

    #[test]
    fn what_cannot_be_read_is_no_limit() {
        let files = [("cg/a/memory.max", "\n"), ("cg/a/cpu.max", "x y\n")];
        assert_eq!(limits("0::/a\n", V2, &files), limit(None, None));
        for groups in ["", "\n", "0\n", "0:\n", "::\n", "0::\n", "4:memory\n"] {
            assert_eq!(limits(groups, V2, &[]), limit(None, None), "{groups:?}");
        }
        assert_eq!(limits("0::/a\n4:memory:/a\n", &[], &[]), limit(None, None));
    }
}
