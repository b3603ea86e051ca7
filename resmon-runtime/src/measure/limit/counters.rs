//! The counters of a control group's memory: how often a limit was reached, and how many processes the kernel killed.
//! See `cgroup-v2.rst` and `cgroup-v1/memory.rst` of the kernel's documentation.

#[cfg(target_os = "linux")]
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(target_os = "linux")]
use super::cgroup::{self, Version};

/// The control group of this process for memory, and its parents as far as they are visible.
#[derive(Debug)]
pub struct MemoryGroups {
    /// The directories, the innermost first. `None` where there are no control groups.
    #[cfg(target_os = "linux")]
    groups: Option<(Version, Vec<PathBuf>)>,
}

/// A reading of the counters. `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The processes of the innermost group that the kernel has killed for lack of memory.
    pub kills: Option<u64>,
    /// The processes of the whole machine that the kernel has killed for lack of memory.
    pub machine_kills: Option<u64>,
    /// The limit of each group in bytes, and how often it was reached. The innermost group first.
    pub limits: Vec<(u64, u64)>,
    /// The most bytes that the group with the lowest limit has had at once, else those of the innermost group.
    pub peak: Option<u64>,
    /// The time for which at least one process of the innermost group waited for memory, else one of the machine.
    pub stalled: Option<Duration>,
}

impl Counters {
    /// Returns the limit in bytes that was reached since an earlier reading, that of the innermost group if several
    /// were.
    #[must_use]
    pub fn reached_since(&self, before: &Self) -> Option<u64> {
        if self.limits.len() != before.limits.len() {
            return None;
        }
        let mut pairs = self.limits.iter().zip(&before.limits);
        // A limit that was changed between the readings is not compared.
        pairs.find_map(|((limit, now), (old, then))| (limit == old && now > then).then_some(*limit))
    }
}

#[cfg(target_os = "linux")]
impl MemoryGroups {
    /// Finds the groups of this process.
    #[must_use]
    pub fn find() -> Self {
        Self { groups: cgroup::memory_directories() }
    }

    /// Reads the counters.
    #[must_use]
    pub fn read(&self) -> Counters {
        let groups = self.groups.as_ref();
        let mut counters = groups.map_or_else(Counters::default, |(version, directories)| {
            counters(*version, directories)
        });
        counters.machine_kills = number(Path::new("/proc"), ("vmstat", "oom_kill"));
        let machine = || stalled(&cgroup::text(Path::new("/proc/pressure"), "memory")?);
        counters.stalled = counters.stalled.or_else(machine);
        counters
    }
}

#[cfg(not(target_os = "linux"))]
impl MemoryGroups {
    /// Finds the groups of this process: there are none here.
    #[must_use]
    pub fn find() -> Self {
        Self {}
    }

    /// Reads the counters: none is known here.
    #[must_use]
    pub fn read(&self) -> Counters {
        Counters::default()
    }
}

/// Reads the counters of groups, the innermost first.
#[cfg(target_os = "linux")]
fn counters(version: Version, directories: &[PathBuf]) -> Counters {
    let names = Names::of(version);
    let directories = || directories.iter().map(PathBuf::as_path);
    let limited: Vec<_> =
        directories().filter_map(|path| Some((cgroup::memory(version, path)?, path))).collect();
    let lowest = limited.iter().min_by_key(|(limit, _)| limit).map(|(_, path)| *path);
    let limits = limited.iter();
    Counters {
        kills: directories().find_map(|path| number(path, names.kills)),
        machine_kills: None,
        limits: limits
            .filter_map(|(limit, path)| Some((*limit, number(path, names.reached)?)))
            .collect(),
        peak: lowest.into_iter().chain(directories()).find_map(|path| number(path, names.peak)),
        stalled: directories().find_map(|path| stalled(&cgroup::text(path, "memory.pressure")?)),
    }
}

/// The files of the counters, and the key of each counter in its file.
#[cfg(target_os = "linux")]
struct Names {
    kills: (&'static str, &'static str),
    reached: (&'static str, &'static str),
    peak: (&'static str, &'static str),
}

#[cfg(target_os = "linux")]
impl Names {
    fn of(version: Version) -> Self {
        match version {
            Version::One => Self {
                kills: ("memory.oom_control", "oom_kill"),
                reached: ("memory.failcnt", ""),
                peak: ("memory.max_usage_in_bytes", ""),
            },
            // `oom` counts in the group whose limit was reached, and in its parents.
            Version::Two => Self {
                kills: ("memory.events", "oom_kill"),
                reached: ("memory.events", "oom"),
                peak: ("memory.peak", ""),
            },
        }
    }
}

/// Reads a number: the value of a key in a file of `key value` lines, or with an empty key the whole file.
#[cfg(target_os = "linux")]
fn number(directory: &Path, (file, key): (&str, &str)) -> Option<u64> {
    let text = cgroup::text(directory, file)?;
    let mut lines = text.lines();
    let value = if key.is_empty() {
        lines.next()?
    } else {
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?
    };
    value.trim().parse().ok()
}

/// Parses the time of `some` in a file of pressure stall information, in µs after `total=`.
#[cfg(target_os = "linux")]
fn stalled(text: &str) -> Option<Duration> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    let total = line.split(' ').find_map(|field| field.strip_prefix("total="))?;
    Some(Duration::from_micros(total.parse().ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::*;

    /// Writes files into groups below a folder, and reads the counters of the group `a/b`.
    fn read(version: Version, files: &[(&str, &str)]) -> Counters {
        let folder = tempfile::tempdir().unwrap();
        let directories = ["a/b", "a", ""].map(|group| folder.path().join(group));
        fs::create_dir_all(&directories[0]).unwrap();
        for (path, text) in files {
            fs::write(folder.path().join(path), text).unwrap();
        }
        counters(version, &directories)
    }

    const EVENTS: &str = "low 0\nhigh 3\nmax 912\noom 2\noom_kill 1\noom_group_kill 0\n";

    #[test]
    fn version_2_counts_in_memory_events() {
        let files = [
            ("a/b/memory.events", EVENTS),
            ("a/b/memory.max", "max\n"),
            ("a/b/memory.peak", "4096\n"),
            (
                "a/b/memory.pressure",
                "some avg10=0.00 avg60=1.10 avg300=0.83 total=2500000\n\
                 full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
            ),
            ("a/memory.events", "oom 5\noom_kill 4\n"),
            ("a/memory.max", "1073741824\n"),
            ("a/memory.peak", "1073741824\n"),
        ];
        let counters = Counters {
            kills: Some(1),
            machine_kills: None,
            limits: vec![(1 << 30, 5)],
            peak: Some(1 << 30),
            stalled: Some(Duration::from_millis(2500)),
        };
        assert_eq!(read(Version::Two, &files), counters);
        // A group without the controller has no counters of its own: those of the parent count.
        assert_eq!(read(Version::Two, &files[4..]).kills, Some(4));
    }

    #[test]
    fn version_1_has_a_file_for_each() {
        let files = [
            ("a/b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"),
            ("a/b/memory.limit_in_bytes", "8192\n"),
            ("a/b/memory.failcnt", "31\n"),
            ("a/b/memory.max_usage_in_bytes", "8192\n"),
            ("a/memory.limit_in_bytes", "9223372036854771712\n"),
            ("a/memory.failcnt", "0\n"),
        ];
        let counters = Counters {
            kills: Some(7),
            machine_kills: None,
            limits: vec![(8192, 31)],
            peak: Some(8192),
            stalled: None,
        };
        assert_eq!(read(Version::One, &files), counters);
    }

    #[test]
    fn what_is_not_there_is_not_known() {
        assert_eq!(read(Version::Two, &[]), Counters::default());
        let odd = [("a/b/memory.events", "oom_kill_x 3\noom_kill\noom_kill many\n")];
        assert_eq!(read(Version::Two, &odd), Counters::default());
        assert_eq!(stalled("full avg10=0.00 total=1\n"), None);
    }

    #[test]
    fn the_limit_that_was_reached_is_that_of_the_innermost_group_whose_count_rose() {
        let counters =
            |limits: &[(u64, u64)]| Counters { limits: limits.into(), ..Counters::default() };
        let before = counters(&[(10, 1), (20, 1)]);
        assert_eq!(before.reached_since(&before), None);
        assert_eq!(counters(&[(10, 1), (20, 2)]).reached_since(&before), Some(20));
        assert_eq!(counters(&[(10, 2), (20, 2)]).reached_since(&before), Some(10));
        // The limits were changed meanwhile.
        assert_eq!(counters(&[(11, 2), (20, 1)]).reached_since(&before), None);
        assert_eq!(counters(&[(20, 2)]).reached_since(&before), None);
    }

    #[test]
    fn a_count_of_the_machine_stands_beside_those_of_the_groups() {
        let counters = MemoryGroups { groups: None }.read();
        let vmstat = fs::read_to_string("/proc/vmstat").unwrap();
        let has_counter = vmstat.lines().any(|line| line.starts_with("oom_kill "));
        assert_eq!(counters.machine_kills.is_some(), has_counter);
        assert_eq!((counters.kills, counters.limits), (None, Vec::new()));
    }
}
