//! The fields of the table's three events: `session_start`, `test` and `session_end`.

use crate::line::Line;
use crate::outcome::Outcome;
use crate::timestamp::Timestamp;

/// Defines a group of record fields: each has its name in the table, a type and a description.
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
    /// The first fields of every record.
    Head<'a> {
        /// The event: `session_start`, `test` or `session_end`.
        event_type: &'a str,
        /// `__session__` for a session event. The id of a test is a field of [`Before`].
        test_nodeid: Option<&'a str>,
        /// The end of the test, or the moment of the session event.
        timestamp: Timestamp,
    }
}

record! {
    /// The fields that are the same in every record of a session.
    Common<'a> {
        /// The id of one test process.
        session_id: &'a str,
        /// The id of one `cargo test` or `cargo nextest run`.
        run_id: &'a str,
        /// `GITHUB_RUN_ID`. This and the fields below are empty where the variable is unset.
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
        /// The number of the attempt, from 1, under a runner that repeats failed tests.
        attempt: u32,
        /// Usage of the whole machine's CPUs in %.
        cpu_before: Option<f64>,
        /// Memory of the machine that programs can still get, in bytes.
        mem_available_before: Option<u64>,
        /// Memory in use in %: (total − available) / total × 100.
        mem_percent_before: Option<f64>,
        /// Bytes that an ordinary user may still write to the file system of the working directory.
        disk_free_before: Option<u64>,
        /// Disk space in use in %: used / (used + free) × 100.
        disk_percent_before: Option<f64>,
        /// Resident memory of the process in bytes.
        rss_before: Option<u64>,
    }
}

record! {
    /// The fields of a test that are known after its body.
    After {
        /// The outcome of the test.
        outcome: Outcome,
        /// The highest number of tests that ran at once in this process during the test, itself included.
        concurrent_tests: u32,
        /// Wall seconds, by the monotonic clock.
        duration_s: f64,
        /// Usage of the whole machine's CPUs in %.
        cpu_after: Option<f64>,
        /// Memory of the machine that programs can still get, in bytes.
        mem_available_after: Option<u64>,
        /// Memory in use in %: (total − available) / total × 100.
        mem_percent_after: Option<f64>,
        /// Bytes that an ordinary user may still write to the file system of the working directory.
        disk_free_after: Option<u64>,
        /// Disk space in use in %: used / (used + free) × 100.
        disk_percent_after: Option<f64>,
        /// CPU seconds in user code: of all threads of the process if the test was alone, else of the test's thread.
        cpu_user_s: Option<f64>,
        /// CPU seconds in the kernel, of the same threads. The sum of the two is exact; the kernel estimates how it is
        /// divided.
        cpu_system_s: Option<f64>,
        /// `process` or `thread`: the owner of the CPU seconds and the storage I/O.
        cpu_scope: Option<&'static str>,
        /// Resident memory of the process in bytes.
        rss_after: Option<u64>,
        /// The peak of resident memory in bytes: the kernel's own mark if the test was alone and not part of another,
        /// else the highest sample. Samples are taken at the start, at the end and 20 times a second.
        rss_peak: Option<u64>,
        /// The lowest available memory of the machine among these samples, in bytes.
        mem_available_min: Option<u64>,
        /// Page faults of the test's thread for which storage was read.
        page_faults_major: Option<u64>,
        /// Times that the kernel took the CPU away from the test's thread.
        ctx_switches_involuntary: Option<u64>,
        /// Bytes read from storage, not from a cache.
        io_read_bytes: Option<u64>,
        /// Bytes written to files, on their way to storage.
        io_write_bytes: Option<u64>,
        /// Allocations and reallocations, if `Alloc` is installed: of all threads if the test was alone, else of the
        /// test's thread.
        alloc_count: Option<u64>,
        /// The bytes that these allocations asked for.
        alloc_bytes: Option<u64>,
        /// The highest number of allocated bytes at once, above those at the start of the test.
        alloc_peak_bytes: Option<u64>,
    }
}

record! {
    /// The fields of both session events: the test binary, the machine and its limits.
    Totals<'a> {
        /// The Cargo package of the process.
        package: Option<&'a str>,
        /// The Cargo target of the process.
        target: Option<&'a str>,
        /// The number of logical CPUs.
        cpu_count: Option<u32>,
        /// Memory of the machine in bytes.
        mem_total_bytes: Option<u64>,
        /// Size of the file system of the working directory in bytes.
        disk_total_bytes: Option<u64>,
        /// Bytes of memory that the process may use: the machine's, or the limit of its control group if that is lower.
        mem_limit_bytes: Option<u64>,
        /// CPUs that the process may use: the machine's, or the control group's quota or the affinity if that is lower.
        cpu_limit: Option<f64>,
    }
}

record! {
    /// The description of the machine in `session_start`.
    Host {
        /// The operating system: `linux`, `macos`, `windows`, …
        os: &'static str,
        /// The architecture: `x86_64`, `aarch64`, …
        arch: &'static str,
        /// The model name of the first CPU.
        cpu_model: Option<String>,
        /// The host name of the machine.
        hostname: Option<String>,
    }
}

record! {
    /// The fields that only `session_end` has.
    End {
        /// The exit code of the process.
        exit_status: i32,
        /// The number of test records of the session, dropped ones included.
        tests_recorded: u64,
        /// The number of test records with the outcome `failed`.
        tests_failed: u64,
        /// The number of earlier records, of any event, that are known to be lost.
        records_dropped: u64,
    }
}

/// The `test_nodeid` of records that belong to no test.
pub const SESSION: &str = "__session__";

/// Begins a record with the fields of [`Head`].
#[must_use]
pub fn head(event_type: &str, test_nodeid: Option<&str>, timestamp: Timestamp) -> Line {
    let mut line = Line::new();
    Head { event_type, test_nodeid, timestamp }.write(&mut line);
    line
}

impl Common<'_> {
    /// Reads the variables that GitHub Actions sets for the run.
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
