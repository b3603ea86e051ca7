//! The build of a run: what it needed until the first test started.

use super::model::Report;
use super::text::clean;
use super::units::{seconds, size};

/// A figure, and what it is.
pub(crate) type Row = (String, String);

/// Returns the rows about the build, none if nothing was compiled or nobody watched.
pub(crate) fn rows(report: &Report) -> Vec<Row> {
    let Some(build) = report.run.local.build() else { return Vec::new() };
    let mut rows = Vec::new();
    if let Some(time) = build.duration_s {
        // The build of a run without any process of a test ended otherwise.
        let has_tests = !report.run.tests.is_empty() || !report.run.binaries.is_empty();
        let until = if has_tests { "until the first test started" } else { "until Cargo ended" };
        rows.push((seconds(time), until.to_owned()));
    }
    if let Some(bytes) = build.mem_peak_bytes {
        let processes = match build.processes_max {
            Some(processes) if processes > 1 => {
                format!(", with at most {processes} processes at once")
            }
            _ => String::new(),
        };
        rows.push((size(bytes), format!("of memory at its highest{processes}")));
    }
    if let (Some(name), Some(bytes)) = (&build.largest, build.largest_bytes) {
        rows.push((size(bytes), format!("in the largest process at its highest, {}", clean(name))));
    }
    if let Some(free) = build.disk_free_min {
        let less = build.disk_free_before.and_then(|before| before.checked_sub(free));
        let less = less.filter(|less| *less > 0);
        let less = less.map(|less| format!(", {} less than before", size(less)));
        let what = format!("of disk free at the lowest{}", less.unwrap_or_default());
        rows.push((size(free), what));
    }
    rows
}
