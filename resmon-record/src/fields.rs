//! The fields of the table's three events: `session_start`, `test` and `session_end`.

use crate::column::{Event, Group, Scope};
use crate::line::Line;
use crate::outcome::Outcome;
use crate::timestamp::Timestamp;

/// Defines a group of record fields: each has its name, a type and a description. The groups of the table state the
/// events that they are in, and after each field its unit and its source. Where the type of the field says too little
/// about the column, `as` states another one.
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $about:literal])*
        $name:ident $(<$life:lifetime>)? in $place:ident {
            $(
                $(#[doc = $doc:literal])*
                $field:ident: $type:ty $(as $column:ty)? = $unit:literal from $source:literal,
            )*
        }
    ) => {
        $crate::record! {
            $(#[doc = $about])*
            $name $(<$life>)? { $($(#[doc = $doc])* $field: $type,)* }
        }

        impl $(<$life>)? $name $(<$life>)? {
            /// The description of these fields.
            pub const GROUP: $crate::column::Group = $crate::column::Group {
                about: concat!($($about),*),
                place: $crate::column::$place,
                columns: &[$($crate::column::Column {
                    name: stringify!($field),
                    values: $crate::record!(@values $type $(as $column)?),
                    unit: $unit,
                    about: concat!($($doc),*),
                    source: $source,
                },)*],
            };
        }
    };
    (@values $type:ty) => { <$type as $crate::column::FieldType>::VALUES };
    (@values $type:ty as $column:ty) => { <$column as $crate::column::FieldType>::VALUES };
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
    Head<'a> in ALL {
        /// The event: `session_start`, `test` or `session_end`.
        event_type: &'a str as Event = "" from "resmon",
        /// The test's id, `FILE::NAME`; `__session__` in a session event.
        test_nodeid: Option<&'a str> as &'a str = "" from "the source file and the name of the test",
        /// The end of the test, or the moment of the session event.
        timestamp: Timestamp = "" from "the system clock",
    }
}

record! {
    /// The fields that are the same in every record of a session.
    Common<'a> in ALL {
        /// The id of one test process. Under `cargo resmon` the whole run is one session.
        session_id: &'a str = "" from "resmon",
        /// The id of one `cargo test` or `cargo nextest run`.
        run_id: &'a str = "" from "`RESMON_RUN_ID`, `NEXTEST_RUN_ID`, or the parent process",
        /// The id of the workflow run on GitHub. Empty where the variable is unset.
        gh_run_id: String = "" from "`GITHUB_RUN_ID`",
        /// The commit. Empty where the variable is unset.
        gh_sha: String = "" from "`GITHUB_SHA`",
        /// The branch or the tag. Empty where the variable is unset.
        gh_ref_name: String = "" from "`GITHUB_REF_NAME`",
        /// The name of the workflow. Empty where the variable is unset.
        gh_workflow: String = "" from "`GITHUB_WORKFLOW`",
        /// The id of the job. Empty where the variable is unset.
        gh_job: String = "" from "`GITHUB_JOB`",
        /// The user who started the workflow. Empty where the variable is unset.
        gh_actor: String = "" from "`GITHUB_ACTOR`",
        /// The repository, `OWNER/NAME`. Empty where the variable is unset.
        gh_repository: String = "" from "`GITHUB_REPOSITORY`",
        /// The number of the attempt of the workflow run, from 1. Empty where the variable is unset.
        gh_run_attempt: String = "" from "`GITHUB_RUN_ATTEMPT`",
    }
}

record! {
    /// The fields of a test that are known before its body runs.
    Before<'a> in TEST {
        /// The test's id, `FILE::NAME`.
        test_nodeid: &'a str = "" from "the source file and the name of the test",
        /// The Cargo package of the test.
        package: Option<&'a str> = "" from "`CARGO_PKG_NAME`",
        /// The Cargo target of the test, as nextest names binaries: `shop`, `shop::bin/shop`, `shop::api`.
        target: Option<&'a str> = "" from "Cargo's variables for the compiler, or `cargo resmon`",
        /// The number of the attempt, from 1, under a runner that repeats failed tests.
        attempt: u32 = "" from "`NEXTEST_ATTEMPT`",
        /// Usage of the whole machine's CPUs in %.
        cpu_before: Option<f64> = "%" from "`/proc/stat`; in the first moments of a process, `/proc/loadavg`",
        /// Memory of the machine that programs can still get, in bytes.
        mem_available_before: Option<u64> = "bytes" from "`MemAvailable` of `/proc/meminfo`",
        /// Memory in use in %: (total − available) / total × 100.
        mem_percent_before: Option<f64> = "%" from "`MemTotal` and `MemAvailable` of `/proc/meminfo`",
        /// Bytes that an ordinary user may still write to the file system of the working directory.
        disk_free_before: Option<u64> = "bytes" from "`fstatvfs(3)` of the working directory",
        /// Disk space in use in %: used / (used + free) × 100.
        disk_percent_before: Option<f64> = "%" from "`fstatvfs(3)` of the working directory",
        /// Resident memory of the process in bytes.
        rss_before: Option<u64> = "bytes" from "`/proc/self/statm`",
    }
}

record! {
    /// The fields of a test that are known after its body.
    After in TEST_AT_END {
        /// The outcome of the test: `passed`, `failed`, `unfinished` (still open when the process exited), `crashed`
        /// (the process died) or `unknown` (an opaque return type).
        outcome: Outcome = "" from "the end of the test body, or of the process",
        /// The highest number of tests that ran at once in this process during the test, itself included.
        concurrent_tests: u32 = "" from "resmon",
        /// Wall seconds, by the monotonic clock.
        duration_s: f64 = "s" from "the monotonic clock",
        /// Usage of the whole machine's CPUs in %.
        cpu_after: Option<f64> = "%" from "`/proc/stat`; in the first moments of a process, `/proc/loadavg`",
        /// Memory of the machine that programs can still get, in bytes.
        mem_available_after: Option<u64> = "bytes" from "`MemAvailable` of `/proc/meminfo`",
        /// Memory in use in %: (total − available) / total × 100.
        mem_percent_after: Option<f64> = "%" from "`MemTotal` and `MemAvailable` of `/proc/meminfo`",
        /// Bytes that an ordinary user may still write to the file system of the working directory.
        disk_free_after: Option<u64> = "bytes" from "`fstatvfs(3)` of the working directory",
        /// Disk space in use in %: used / (used + free) × 100.
        disk_percent_after: Option<f64> = "%" from "`fstatvfs(3)` of the working directory",
        /// CPU seconds in user code: of all threads of the process if the test was alone, else of the test's thread.
        cpu_user_s: Option<f64> = "s" from "`getrusage(2)`",
        /// CPU seconds in the kernel, of the same threads. The sum of the two is exact; the kernel estimates how it is
        /// divided.
        cpu_system_s: Option<f64> = "s" from "`getrusage(2)`",
        /// `process` or `thread`: the owner of the CPU seconds and the storage I/O.
        cpu_scope: Option<&'static str> as Option<Scope> = "" from "resmon",
        /// Resident memory of the process in bytes.
        rss_after: Option<u64> = "bytes" from "`/proc/self/statm`",
        /// The peak of resident memory in bytes: the kernel's own mark if the test was alone and not part of another,
        /// else the highest sample. Samples are taken at the start, at the end and 20 times a second.
        rss_peak: Option<u64> = "bytes" from "`VmHWM` of `/proc/self/status`, or samples of `/proc/self/statm`",
        /// The lowest available memory of the machine among these samples, in bytes.
        mem_available_min: Option<u64> = "bytes" from "`MemAvailable` of `/proc/meminfo`",
        /// Page faults of the test's thread for which storage was read.
        page_faults_major: Option<u64> = "" from "`getrusage(2)`",
        /// Times that the kernel took the CPU away from the test's thread.
        ctx_switches_involuntary: Option<u64> = "" from "`getrusage(2)`",
        /// Bytes read from storage, not from a cache.
        io_read_bytes: Option<u64> = "bytes" from "`getrusage(2)`",
        /// Bytes written to files, on their way to storage.
        io_write_bytes: Option<u64> = "bytes" from "`getrusage(2)`",
        /// Allocations and reallocations, if `Alloc` is installed: of all threads if the test was alone, else of the
        /// test's thread.
        alloc_count: Option<u64> = "" from "`resmon::Alloc`",
        /// The bytes that these allocations asked for.
        alloc_bytes: Option<u64> = "bytes" from "`resmon::Alloc`",
        /// The highest number of allocated bytes at once, above those at the start of the test.
        alloc_peak_bytes: Option<u64> = "bytes" from "`resmon::Alloc`",
    }
}

record! {
    /// The fields of both session events: the test binary, the machine and its limits.
    Totals<'a> in SESSION {
        /// The Cargo package of the process.
        package: Option<&'a str> = "" from "`CARGO_PKG_NAME`",
        /// The Cargo target of the process.
        target: Option<&'a str> = "" from "Cargo's variables for the compiler, or `cargo resmon`",
        /// The number of logical CPUs.
        cpu_count: Option<u32> = "CPUs" from "`sysconf(3)`",
        /// Memory of the machine in bytes.
        mem_total_bytes: Option<u64> = "bytes" from "`MemTotal` of `/proc/meminfo`",
        /// Size of the file system of the working directory in bytes.
        disk_total_bytes: Option<u64> = "bytes" from "`fstatvfs(3)` of the working directory",
        /// Bytes of memory that the process may use: the machine's, or the limit of its control group if that is lower.
        mem_limit_bytes: Option<u64>
            = "bytes" from "`memory.max` or `memory.limit_in_bytes` of the control group, `/proc/meminfo`",
        /// CPUs that the process may use: the machine's, or the control group's quota or the affinity if that is lower.
        cpu_limit: Option<f64>
            = "CPUs" from "`cpu.max` or `cpu.cfs_quota_us` of the control group, `sched_getaffinity(2)`",
    }
}

record! {
    /// The description of the machine in `session_start`.
    Host in START {
        /// The operating system: `linux`, `macos`, `windows`, …
        os: &'static str = "" from "`std::env::consts`",
        /// The architecture: `x86_64`, `aarch64`, …
        arch: &'static str = "" from "`std::env::consts`",
        /// The model name of the first CPU.
        cpu_model: Option<String> = "" from "`/proc/cpuinfo`",
        /// The host name of the machine.
        hostname: Option<String> = "" from "`uname(2)`",
    }
}

record! {
    /// The fields that only `session_end` has.
    End in SESSION_AT_END {
        /// The exit code of the process, −1 if it crashed; under `cargo resmon`, that of the command it runs.
        exit_status: i32 = "" from "the exit handler of the process, or `waitpid(2)`",
        /// The number of test records of the session, dropped ones included.
        tests_recorded: u64 = "" from "resmon",
        /// The number of test records with the outcome `failed`.
        tests_failed: u64 = "" from "resmon",
        /// The number of earlier records, of any event, that are known to be lost.
        records_dropped: u64 = "" from "resmon",
    }
}

record! {
    /// The place of a test in delivery. The process that writes the record adds it.
    Batch in TEST {
        /// The number of the record's batch in the session, from 1. A request may carry several batches.
        batch_num: u32 = "" from "resmon",
    }
}

record! {
    /// The end of a test's process, which only `cargo resmon` sees.
    Death in TEST {
        /// The signal that ended the test's process.
        signal: Option<i32> = "" from "`waitpid(2)`",
    }
}

/// All fields of the table.
pub const GROUPS: [Group; 9] = [
    Head::GROUP,
    Common::GROUP,
    Before::GROUP,
    After::GROUP,
    Batch::GROUP,
    Death::GROUP,
    Totals::GROUP,
    Host::GROUP,
    End::GROUP,
];

/// The fields of [`After`] and [`End`] that a record has even if its process died.
pub const IN_CRASH_REPORTS: [&str; 2] = ["outcome", "exit_status"];

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
