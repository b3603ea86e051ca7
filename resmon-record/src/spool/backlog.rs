//! The size limit of a spool directory.

use std::fs;

use super::{Kind, Progress, Segment, Spool, kept_id};
use crate::bytes::count_lines;
use crate::session_id::is_session_id;

/// The most bytes of disk that records may take in a spool directory.
pub const LIMIT: u64 = 64 << 20;

/// The numbers of records that were deleted for the size limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Records of the caller's session.
    pub own: u64,
    /// Records of other sessions.
    pub others: u64,
}

impl Spool {
    /// Deletes the oldest segments, of any destination, until the rest takes at most `limit` bytes of disk. Returns the
    /// number of undelivered records in them.
    ///
    /// Never deletes the segment that a running session is writing to. `own` is the caller's session: records that its
    /// sender has given up, and has reported as kept, are not deleted either.
    #[must_use]
    pub fn drop_oldest(&self, limit: u64, own: Option<&str>) -> Dropped {
        let mut segments = self.segments(Kind::Waiting);
        segments.extend(self.segments(Kind::Refused));
        let mut total: u64 = segments.iter().map(disk_usage).sum();
        let mut dropped = Dropped::default();
        let kept = own.filter(|own| is_session_id(own)).map(kept_id);
        while total > limit {
            // Few segments are dropped, so the minimum is searched each time instead of sorting.
            let ids = segments.iter().enumerate().map(|(index, segment)| {
                let Segment { session_id, number, .. } = segment;
                (session_id.as_str(), *number, index)
            });
            let Some((_, _, oldest)) = ids.min() else { break };
            let segment = segments.swap_remove(oldest);
            let size = disk_usage(&segment);
            let is_own = own == Some(segment.session_id.as_str());
            // A warning has told the user that these records are kept.
            let is_kept = kept.as_deref() == Some(segment.session_id.as_str());
            if is_kept || self.is_being_written(&segment, &segments, is_own) {
                continue;
            }
            let content = fs::read(&segment.path).unwrap_or_default();
            if fs::remove_file(&segment.path).is_ok() {
                // Asked last: records may have arrived until then.
                let records = self.unsent_among(&segment, &content);
                *(if is_own { &mut dropped.own } else { &mut dropped.others }) += records;
            }
            total = total.saturating_sub(size);
        }
        dropped
    }

    /// Whether a segment is the newest one of a running session.
    fn is_being_written(&self, segment: &Segment, others: &[Segment], is_own: bool) -> bool {
        let is_newer = |other: &Segment| {
            other.kind == Kind::Waiting
                && other.session_id == segment.session_id
                && other.number > segment.number
        };
        segment.kind == Kind::Waiting
            && !others.iter().any(is_newer)
            && (is_own || self.path(&format!("{}.session", segment.session_id)).exists())
    }

    /// Counts the records of a segment that have not arrived.
    #[must_use]
    pub fn unsent_records(&self, segment: &Segment) -> u64 {
        self.unsent_among(segment, &fs::read(&segment.path).unwrap_or_default())
    }

    fn unsent_among(&self, segment: &Segment, content: &[u8]) -> u64 {
        let progress = Progress::read(self, &segment.session_id, &segment.destination);
        if segment.kind == Kind::Waiting && segment.number < progress.segment {
            return 0;
        }
        let sent = if segment.number == progress.segment { progress.offset } else { 0 };
        let rest = content.get(usize::try_from(sent).unwrap_or(usize::MAX)..).unwrap_or_default();
        count_lines(rest)
    }
}

/// Returns the disk space of a segment in bytes, as `du` counts it.
fn disk_usage(segment: &Segment) -> u64 {
    let metadata = fs::symlink_metadata(&segment.path);
    #[cfg(unix)]
    return metadata.map_or(0, |file| std::os::unix::fs::MetadataExt::blocks(&file) * 512);
    #[cfg(not(unix))]
    metadata.map_or(0, |file| file.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        let id = |n: u32| format!("{n:012x}{}", "f".repeat(16));
        let to = "0123456789abcdef";
        let write = |n, number| {
            let segment = Segment::new(&spool, &id(n), to, number, Kind::Waiting);
            fs::write(&segment.path, "{}\n".repeat(10_000)).unwrap();
            segment
        };
        let segments = [write(1, 1), write(1, 2), write(2, 1), write(3, 1)];
        // The first session is running, so its last segment stays.
        fs::write(spool.path(&format!("{}.session", id(1))), "").unwrap();
        let size = disk_usage(&segments[0]);
        assert_eq!(spool.drop_oldest(4 * size, None), Dropped::default());
        let progress = Progress { segment: 1, offset: 3 * 9_000 };
        progress.write(&spool, &id(1), to).unwrap();
        assert_eq!(spool.drop_oldest(3 * size, Some(&id(1))), Dropped { own: 1000, others: 0 });
        assert_eq!(spool.drop_oldest(2 * size, None), Dropped { own: 0, others: 10_000 });
        let left = segments.map(|segment| segment.path.exists());
        assert_eq!(left, [false, true, false, true]);
        // Records that the sender of the caller's session gave up are kept.
        let kept = Segment::new(&spool, &kept_id(&id(9)), to, 1, Kind::Waiting);
        fs::write(&kept.path, "{}\n").unwrap();
        let _ = spool.drop_oldest(0, Some(&id(9)));
        assert!(kept.path.exists());
        let _ = spool.drop_oldest(0, None);
        assert!(!kept.path.exists());
    }
}
