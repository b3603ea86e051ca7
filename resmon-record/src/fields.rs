//! The three events of the table, each with its fields.

use crate::line::Line;
use crate::outcome::Outcome;
use crate::timestamp::Timestamp;

/// Defines a record by its fields: the name in the table, the type, what it means.
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $name:ident $(<$life:lifetime>)? { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug)]
        #[allow(clippy::struct_field_names, reason = "the names are the table's")]
        pub struct $name $(<$life>)? { $($(#[$doc])* pub $field: $type,)* }

        impl $(<$life>)? $name $(<$life>)? {
            /// Adds the fields that have a value.
            pub fn write(&self, line: &mut $crate::line::Line) {
                $(line.field($crate::key!($field), &self.$field);)*
            }
        }
    };
}

record! {
    /// The fields at the begin of every record.
    Head<'a> {
        /// `session_start`, `test` or `session_end`.
        event_type: &'a str,
        /// `__session__`; that of a test is a field of [`Before`].
        test_nodeid: Option<&'a str>,
        /// The end of the test, or the moment of the session event.
        timestamp: Timestamp,
    }
}

record! {
    /// The fields that are the same in every record of a session.
    Common<'a> {
        /// One test process.
        session_id: &'a str,
        /// One `cargo test` or `cargo nextest run`.
        run_id: &'a str,
        /// `GITHUB_RUN_ID`; this and those below are empty where the variable is unset.
        gh_run_id: String,
        /// `GITHUB_SHA`
        gh_sha: String,
        /// `GITHUB_REF_NAME`
        gh_ref_name: String,
        /// `GITHUB_WORKFLOW`
        gh_workflow: String,
        /// `GITHUB_JOB`
        gh_job: String,
        /// `GITHUB_ACTOR`
        gh_actor: String,
        /// `GITHUB_REPOSITORY`
        gh_repository: String,
        /// `GITHUB_RUN_ATTEMPT`
        gh_run_attempt: String,
    }
}

record! {
    /// The fields of a test that are known before its body runs.
    Before<'a> {
        /// The test's id, `FILE::NAME`.
        test_nodeid: &'a str,
        /// The Cargo package of the test.
        package: Option<&'a str>,
        /// The Cargo target of the test, as nextest names binaries: `shop`, `shop::bin/shop`, `shop::api`.
        target: Option<&'a str>,
        /// Which try of a runner that repeats failed tests this is, from 1.
        attempt: u32,
        /// Usage of the whole machine's CPUs in %.
        cpu_before: Option<f64>,
        /// Memory of the machine that programs can still get, in bytes.
        mem_available_before: Option<u64>,
        /// (total − available) / total × 100
        mem_percent_before: Option<f64>,
        /// Bytes that an ordinary user may still write to the file system of the working directory.
        disk_free_before: Option<u64>,
        /// used / (used + free) × 100
        disk_percent_before: Option<f64>,
        /// Resident memory of the process in bytes.
        rss_before: Option<u64>,
    }
}

record! {
    /// The fields of a test that are known after its body.
    After {
        /// How it ended.
        outcome: Outcome,
        /// The most tests of this process that ran at once during it, itself included.
        concurrent_tests: u32,
        /// Wall seconds, by the monotonic clock.
        duration_s: f64,
        /// Usage of the whole machine's CPUs in %.
        cpu_after: Option<f64>,
        /// Memory of the machine that programs can still get, in bytes.
        mem_available_after: Option<u64>,
        /// (total − available) / total × 100
        mem_percent_after: Option<f64>,
        /// Bytes that an ordinary user may still write to the file system of the working directory.
        disk_free_after: Option<u64>,
        /// used / (used + free) × 100
        disk_percent_after: Option<f64>,
        /// CPU seconds that the test spent in its own code: of all threads of the process if it was alone, else of its own.
        cpu_user_s: Option<f64>,
        /// CPU seconds that the kernel spent on its behalf. The sum of the two is exact; how it is divided, the kernel
        /// estimates.
        cpu_system_s: Option<f64>,
        /// `process` or `thread`: whose CPU seconds and storage I/O they are.
        cpu_scope: Option<&'static str>,
        /// Resident memory of the process in bytes.
        rss_after: Option<u64>,
        /// The most resident memory during the test: the kernel's own mark if it was alone and no part of another, else the
        /// highest of the samples, which are taken at its start, its end and 20 times a second.
        rss_peak: Option<u64>,
        /// The least available memory of the machine among these samples.
        mem_available_min: Option<u64>,
        /// Page faults of the test's thread for which storage was read.
        page_faults_major: Option<u64>,
        /// Times that the kernel took the CPU away from the test's thread.
        ctx_switches_involuntary: Option<u64>,
        /// Bytes that were read from storage, and not from a cache.
        io_read_bytes: Option<u64>,
        /// Bytes that were written to files and are to reach storage.
        io_write_bytes: Option<u64>,
        /// Allocations and reallocations, of which `Alloc` knows: those of all threads if the test was alone in the
        /// process, else of its own.
        alloc_count: Option<u64>,
        /// The bytes that these asked for.
        alloc_bytes: Option<u64>,
        /// The most bytes that they held at once.
        alloc_peak_bytes: Option<u64>,
    }
}

record! {
    /// The machine that a session runs on.
    Totals<'a> {
        /// The Cargo package of the process.
        package: Option<&'a str>,
        /// Its Cargo target.
        target: Option<&'a str>,
        /// Logical CPUs.
        cpu_count: Option<u32>,
        /// Memory of the machine in bytes.
        mem_total_bytes: Option<u64>,
        /// Size of the file system of the working directory in bytes.
        disk_total_bytes: Option<u64>,
        /// Bytes of memory that the process may use: what its control group allows, if that is less.
        mem_limit_bytes: Option<u64>,
        /// CPUs that the process may use: by its control group's quota or its affinity, if that is less.
        cpu_limit: Option<f64>,
    }
}

record! {
    /// The description of the machine in `session_start`.
    Host {
        /// `linux`, `macos`, `windows`, …
        os: &'static str,
        /// `x86_64`, `aarch64`, …
        arch: &'static str,
        /// The name of the first CPU.
        cpu_model: Option<String>,
        /// The machine's name in a network.
        hostname: Option<String>,
    }
}

record! {
    /// The fields of `session_end` alone.
    End {
        /// The exit code of the process.
        exit_status: i32,
        /// Test records that the session made, those that were dropped included.
        tests_recorded: u64,
        /// How many of them have the outcome `failed`.
        tests_failed: u64,
        /// Records of any event that are known to be lost, of those that came before this one.
        records_dropped: u64,
    }
}

/// The `test_nodeid` of records that belong to no test.
pub const SESSION: &str = "__session__";

/// Begins a record.
#[must_use]
pub fn head(event_type: &str, test_nodeid: Option<&str>, timestamp: Timestamp) -> Line {
    let mut line = Line::new();
    Head { event_type, test_nodeid, timestamp }.write(&mut line);
    line
}

impl Common<'_> {
    /// Reads what GitHub Actions says of the run.
    #[must_use]
    pub fn from_env<'a>(session_id: &'a str, run_id: &'a str) -> Common<'a> {
        let github = |name| std::env::var(format!("GITHUB_{name}")).unwrap_or_default();
        Common {
            session_id,
            run_id,
            gh_run_id: github("RUN_ID"),
            gh_sha: github("SHA"),
            gh_ref_name: github("REF_NAME"),
            gh_workflow: github("WORKFLOW"),
            gh_job: github("JOB"),
            gh_actor: github("ACTOR"),
            gh_repository: github("REPOSITORY"),
            gh_run_attempt: github("RUN_ATTEMPT"),
        }
    }
}
