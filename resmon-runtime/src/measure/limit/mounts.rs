//! The mount points of control groups, by `proc_pid_mountinfo(5)`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use resmon_record::bytes::find;

/// A mounted hierarchy of control groups.
#[derive(Debug, PartialEq)]
pub(super) struct Mount {
    /// The control group that the mount point shows.
    root: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// Finds the mount that shows this control group: in the hierarchy of a controller of version 1, or in that of
    /// version 2 without a controller. If there is none, returns the first mount of the hierarchy.
    pub(super) fn find(mountinfo: &[u8], controller: Option<&str>, group: &Path) -> Option<Self> {
        let word = controller.unwrap_or(" - cgroup2 ").as_bytes();
        let mounts = || lines_with(mountinfo, word).filter_map(|line| parse(line, controller));
        mounts().find(|mount| group.starts_with(&mount.root)).or_else(|| mounts().next())
    }

    /// Returns the directories of this control group and its parents, as far as the mount shows them.
    pub(super) fn directories(&self, group: &Path) -> Vec<PathBuf> {
        // A group outside the mount is still limited by the root of the mount: that is the container's own group.
        let below = group.strip_prefix(&self.root).unwrap_or(Path::new(""));
        below.ancestors().map(|path| self.point.join(path)).collect()
    }
}

/// Returns the lines with this word. The others are not parsed, because each process of a process-per-test run does
/// this.
fn lines_with<'a>(text: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let place = find(rest, word)?;
        let before = rest[..place].iter().rposition(|&byte| byte == b'\n');
        let start = before.map_or(0, |line_feed| line_feed + 1);
        let after = find(&rest[place..], b"\n");
        let end = after.map_or(rest.len(), |length| place + length);
        let line = &rest[start..end];
        rest = &rest[end..];
        Some(line)
    })
}

/// Parses a line like `31 23 0:28 /root /point rw,relatime shared:1 - cgroup cgroup rw,cpu,cpuacct`.
fn parse(line: &[u8], controller: Option<&str>) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let (root, point) = (fields.nth(3)?, fields.next()?);
    let mut kind = fields.skip_while(|&field| field != b"-").skip(1);
    let (kind, options) = (kind.next()?, kind.nth(1)?);
    let is_wanted = match controller {
        Some(controller) => {
            kind == b"cgroup"
                && options.split(|&byte| byte == b',').any(|option| option == controller.as_bytes())
        }
        None => kind == b"cgroup2",
    };
    is_wanted.then(|| Mount { root: path(root), point: path(point) })
}

/// Decodes a path, in which space, tab, line feed and backslash are written as three octal digits.
fn path(escaped: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(byte);
        if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) =
            (byte, rest)
        {
            bytes.pop();
            bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &[u8] = br"22 1 8:1 / / rw - ext4 /dev/sda1 rw
31 22 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 /docker/1 /sys/fs/cgroup/cpu,cpuacct rw shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /odd\040place\134 rw - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
short line
";

    #[test]
    fn lines_are_found_whole_wherever_the_word_stands() {
        let found = |text, word| -> Vec<&[u8]> { lines_with(text, word).collect() };
        assert_eq!(found(b"a x\nb\nx c x\nx", b"x"), [&b"a x"[..], b"x c x", b"x"]);
        assert_eq!(found(b"a\nb\n", b"b"), [b"b"]);
        assert!(found(b"a\nb", b"x").is_empty() && found(b"", b"x").is_empty());
    }

    fn found(controller: Option<&str>, group: &str) -> Vec<PathBuf> {
        let group = Path::new(group);
        Mount::find(MOUNTS, controller, group).unwrap().directories(group)
    }

    #[test]
    fn a_group_and_those_above_it_are_where_their_hierarchy_is_mounted() {
        assert_eq!(
            found(None, "/a/b"),
            ["unified/a/b", "unified/a", "unified/"]
                .map(|path| Path::new("/sys/fs/cgroup").join(path))
        );
        assert_eq!(
            found(Some("memory"), "/a"),
            ["/odd place\\/a", "/odd place\\/"].map(PathBuf::from)
        );
        assert_eq!(Mount::find(MOUNTS, Some("pids"), Path::new("/")), None);
        assert_eq!(Mount::find(MOUNTS, Some("acct"), Path::new("/")), None);
    }

    #[test]
    fn a_container_sees_its_own_part() {
        let point = "/sys/fs/cgroup/cpu,cpuacct";
        let below = [format!("{point}/x"), format!("{point}/")].map(PathBuf::from);
        assert_eq!(found(Some("cpuacct"), "/docker/1/x"), below);
        // The root itself, and groups that are not below it.
        for group in ["/docker/1", "/docker/12", "/", "/../x"] {
            assert_eq!(found(Some("cpu"), group), [Path::new(point)], "{group}");
        }
    }
}
