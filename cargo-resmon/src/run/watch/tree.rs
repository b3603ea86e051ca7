//! The processes below a process, read from `/proc`.

use std::collections::{HashMap, HashSet};
use std::fs;

use super::label::{self, Label};

/// The processes below a process, and that process itself.
#[derive(Debug)]
pub(super) struct Tree {
    root: u32,
    members: HashMap<u32, Member>,
    /// The processes of the latest sample that are not below it. They are not read again.
    foreign: HashSet<u32>,
    page: u64,
}

#[derive(Debug)]
struct Member {
    parent: u32,
    /// Its start, by which it is told from a later process with the same id.
    start: u64,
    /// The kernel's name for it, which changes when it executes another program.
    name: String,
    label: Label,
    /// Bytes of its own, and of the files that it has mapped or shares.
    own: u64,
    mapped: u64,
}

/// A sample of all processes of a tree.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) processes: u64,
    /// Resident bytes of all together. Mapped files count once, as many as the process with the most of them has: most
    /// are the compiler's own libraries, which its processes share.
    pub(super) bytes: u64,
    pub(super) largest: String,
    /// The peak of the largest process in resident bytes.
    pub(super) largest_bytes: u64,
    pub(super) labels: Vec<Label>,
}

/// The fields of `/proc/PID/stat` that are needed.
#[derive(Debug, PartialEq)]
struct Stat {
    name: String,
    parent: u32,
    start: u64,
}

impl Tree {
    pub(super) fn of(root: u32) -> Self {
        // SAFETY: the call has no preconditions.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page = u64::try_from(page).unwrap_or(4096);
        Self { root, members: HashMap::new(), foreign: HashSet::new(), page }
    }

    /// Reads all processes. `None` if all have ended, or if there is no `/proc`.
    pub(super) fn sample(&mut self) -> Option<Sample> {
        self.find();
        let mut sample = Sample::default();
        let (mut most_mapped, mut largest) = (0, None);
        let pids: Vec<u32> = self.members.keys().copied().collect();
        for pid in pids {
            let (own, mapped) = memory(pid, self.page).unwrap_or_default();
            let Some(member) = self.members.get_mut(&pid) else { continue };
            (member.own, member.mapped) = (own, mapped);
            sample.processes += 1;
            sample.bytes += own;
            most_mapped = most_mapped.max(mapped);
            largest = largest.max(Some((own + mapped, pid)));
        }
        sample.bytes += most_mapped;
        let (bytes, pid) = largest?;
        sample.largest_bytes = peak(pid).unwrap_or_default().max(bytes);
        sample.largest = self.describe(pid);
        sample.labels = self.members.values().map(|member| member.label.clone()).collect();
        Some(sample)
    }

    /// Finds the processes below the root.
    fn find(&mut self) {
        let Ok(all) = fs::read_dir("/proc") else { return };
        let name = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
        let all: HashSet<u32> = all.filter_map(|entry| name(entry.ok()?)).collect();
        self.foreign.retain(|pid| all.contains(pid));
        let mut before = std::mem::take(&mut self.members);
        let mut unknown = HashMap::new();
        for pid in all {
            if self.foreign.contains(&pid) {
                continue;
            }
            let Some(stat) = stat(pid) else { continue };
            match before.remove(&pid) {
                Some(mut member) if member.start == stat.start => {
                    if member.name != stat.name {
                        member.label = label::read(pid);
                        member.name = stat.name;
                    }
                    self.members.insert(pid, member);
                }
                _ => drop(unknown.insert(pid, stat)),
            }
        }
        // A parent may have a higher id than its child.
        loop {
            let is_new =
                |pid: u32, stat: &Stat| pid == self.root || self.members.contains_key(&stat.parent);
            let new = unknown.iter().find(|(pid, stat)| is_new(**pid, stat)).map(|(pid, _)| *pid);
            let Some(pid) = new else { break };
            if let Some(Stat { name, parent, start }) = unknown.remove(&pid) {
                let label = label::read(pid);
                self.members.insert(pid, Member { parent, start, name, label, own: 0, mapped: 0 });
            }
        }
        self.foreign.extend(unknown.into_keys());
    }

    /// Describes a process by its label and that of the nearest compiler or build script above it.
    fn describe(&self, pid: u32) -> String {
        let Some(member) = self.members.get(&pid) else { return String::new() };
        let mut above = self.members.get(&member.parent);
        while let Some(other) = above {
            if other.label.names_what_it_builds() {
                break;
            }
            // The root's parent is no member.
            above = self.members.get(&other.parent);
        }
        member.label.describe(above.map(|other| &other.label))
    }
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Parses a line like `12 (rustc) S 11 …`. The name may contain spaces and parentheses.
fn parse(line: &str) -> Option<Stat> {
    let (name, rest) = line.split_once('(')?.1.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    // A process that has ended and was not waited for has no memory.
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let start = fields.nth(17)?.parse().ok()?;
    (state != "Z").then(|| Stat { name: name.to_owned(), parent, start })
}

/// Returns the resident bytes of a process: those of its own, and those of files and shared memory.
fn memory(pid: u32, page: u64) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut fields = text.split(' ').skip(1).map(|field| field.parse::<u64>().ok());
    let (resident, shared) = (fields.next()??, fields.next()??);
    Some((resident.saturating_sub(shared) * page, shared * page))
}

/// Returns the peak of a process in resident bytes.
fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{self, Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_name_may_look_like_fields() {
        let line = "7 (a) b (c) S 6 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 1\n";
        let stat = Stat { name: "a) b (c".to_owned(), parent: 6, start: 4711 };
        assert_eq!(parse(line), Some(stat));
        assert_eq!(parse(&line.replace(" S ", " Z ")), None);
        assert_eq!(parse("7 (a"), None);
    }

    #[test]
    fn the_processes_below_one_are_found_whatever_their_depth() {
        let script = "sleep 600 & sh -c 'sleep 600 & echo ready; wait' & wait";
        let mut shell = Command::new("sh");
        let mut child = shell.args(["-c", script]).stdout(Stdio::piped()).spawn().expect("a shell");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut tree = Tree::of(child.id());
        let sample = tree.sample().unwrap();
        assert_eq!(sample.processes, 4, "{tree:?}");
        assert!(sample.bytes > 0 && sample.largest_bytes > 0, "{sample:?}");
        assert!(!tree.members.contains_key(&process::id()));
        assert!(tree.foreign.contains(&process::id()));
        for pid in tree.members.keys() {
            let pid = libc::pid_t::try_from(*pid).unwrap();
            // SAFETY: the call only sends a signal, to a process that this test started.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        child.wait().unwrap();
        // Processes whose parent has ended still belong to the tree, until they end.
        let start = Instant::now();
        while tree.sample().is_some() {
            assert!(start.elapsed() < Duration::from_secs(60), "{tree:?}");
            thread::yield_now();
        }
    }
}
