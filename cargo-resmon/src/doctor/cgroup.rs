//! What the control group leaves of the machine.

use std::fs;
use std::path::{Path, PathBuf};

use super::Findings;

pub(super) fn examine(findings: &mut Findings) {
    let what = "control group";
    let Ok(groups) = fs::read_to_string("/proc/self/cgroup") else {
        findings.note(what, "none on this system");
        return;
    };
    let limits = limits(&groups, Path::new("/sys/fs/cgroup"));
    let memory = limits.memory.map(|bytes| format!("{} MiB of memory", bytes >> 20));
    let cpu = limits.cpu.map(|cpus| format!("{cpus} CPUs"));
    let both: Vec<_> = [memory, cpu].into_iter().flatten().collect();
    if both.is_empty() {
        findings.note(what, "no limit: the figures are those of the whole machine");
    } else {
        findings.note(what, format_args!("limited to {}", both.join(" and ")));
    }
}

#[derive(Debug, Default, PartialEq)]
struct Limits {
    memory: Option<u64>,
    cpu: Option<f64>,
}

/// The tightest limits of the groups, and of those that they are in.
fn limits(groups: &str, root: &Path) -> Limits {
    let mut limits = Limits::default();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let root = if controllers.is_empty() { root.to_owned() } else { root.join(controllers) };
        let group = root.join(group.trim_start_matches('/'));
        // In a container, the group may be known by the name that it has outside.
        let group = if group.is_dir() { group } else { root.clone() };
        for folder in group.ancestors().take_while(|folder| folder.starts_with(&root)) {
            limits.tighten(folder);
        }
    }
    limits
}

impl Limits {
    fn tighten(&mut self, folder: &Path) {
        /// As large as the first version has it where there is none.
        const NONE: u64 = 1 << 60;
        let read = |name: &str| -> Option<String> {
            let path: PathBuf = folder.join(name);
            Some(fs::read_to_string(path).ok()?.trim().to_owned())
        };
        let number = |name: &str| -> Option<u64> { read(name)?.parse().ok() };
        let memory = number("memory.max").or_else(|| number("memory.limit_in_bytes"));
        if let Some(memory) = memory.filter(|&bytes| bytes < NONE) {
            self.memory = Some(self.memory.map_or(memory, |known| known.min(memory)));
        }
        let cpu = read("cpu.max").and_then(|text| {
            let (quota, period) = text.split_once(' ')?;
            Some((quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?))
        });
        let first = || -> Option<(f64, f64)> {
            let quota: f64 = read("cpu.cfs_quota_us")?.parse().ok()?;
            Some((quota, read("cpu.cfs_period_us")?.parse().ok()?))
        };
        if let Some((quota, period)) = cpu.or_else(first).filter(|&(quota, _)| quota > 0.0) {
            let cpus = quota / period;
            self.cpu = Some(self.cpu.map_or(cpus, |known| known.min(cpus)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_limit_counts_in_either_version() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("outer/memory.max", "1048576\n");
        write("outer/inner/memory.max", "max\n");
        write("outer/inner/cpu.max", "150000 100000\n");
        let second = limits("0::/outer/inner\n", root.path());
        assert_eq!(second, Limits { memory: Some(1 << 20), cpu: Some(1.5) });
        write("memory/job/memory.limit_in_bytes", "2097152\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
        write("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
        let first = limits("4:memory:/job\n3:cpu,cpuacct:/job\n", root.path());
        assert_eq!(first, Limits { memory: Some(2 << 20), cpu: None });
        assert_eq!(limits("0::/elsewhere\n", &root.path().join("outer/none")), Limits::default());
    }
}
