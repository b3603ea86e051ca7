//! The free space of the file systems that a run writes to.

use std::env;
use std::path::{Path, PathBuf};

use crate::local::Disk;

/// The file systems of the target directory and of temporary files. One if both are on the same.
#[derive(Debug)]
pub(super) struct Disks {
    all: Vec<Space>,
    /// The latest free bytes of the target directory's file system.
    target: Option<u64>,
}

#[derive(Debug)]
struct Space {
    path: PathBuf,
    disk: Disk,
}

impl Disks {
    pub(super) fn of(target: &Path) -> Self {
        // A target directory that does not exist yet will be on the file system of its parent.
        let target = target.ancestors().find(|path| path.is_dir()).unwrap_or(target);
        let mut all = Vec::new();
        let mut devices = Vec::new();
        for path in [target.to_owned(), env::temp_dir()] {
            let Some((total, free)) = space(&path) else { continue };
            let device = device(&path);
            if !devices.contains(&device) {
                devices.push(device);
                let name = path.to_string_lossy().into_owned();
                let disk = Disk { path: name, total_bytes: total, free_min: free };
                all.push(Space { path, disk });
            }
        }
        let target = space(target).map(|(_, free)| free);
        Self { all, target }
    }

    pub(super) fn sample(&mut self) {
        let mut now = self.all.iter_mut().map(|Space { path, disk }| {
            let (_, free) = space(path)?;
            disk.free_min = disk.free_min.min(free);
            Some(free)
        });
        // The target directory's file system is the first.
        self.target = now.next().flatten();
        now.for_each(drop);
    }

    /// Returns the latest free bytes of the target directory's file system.
    pub(super) fn target(&self) -> Option<u64> {
        self.target
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Disk> {
        self.all.iter().map(|space| &space.disk)
    }
}

fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|metadata| metadata.dev())
}

/// Returns the size of a file system and its free bytes for a user without privileges.
#[cfg(target_os = "linux")]
fn space(path: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(path).ok()?;
    // Some file systems, such as those of the kernel, have no size.
    let total = stat.f_blocks.checked_mul(stat.f_frsize).filter(|total| *total > 0)?;
    Some((total, stat.f_bavail.saturating_mul(stat.f_frsize)))
}

#[cfg(not(target_os = "linux"))]
fn space(_path: &Path) -> Option<(u64, u64)> {
    None
}
