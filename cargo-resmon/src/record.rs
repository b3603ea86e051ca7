//! The records of a file as they are read. Almost every field may be missing.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::outcome::Outcome;

/// A string that is borrowed from its line if it needs no unescaping.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    /// Returns the text. Returns `None` if it is empty, which stands for unset.
    pub(crate) fn get(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&*self.0)
    }
}

/// The fields that identify a record.
#[derive(Debug, Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) event_type: Text<'a>,
    #[serde(borrow)]
    pub(crate) test_nodeid: Option<Text<'a>>,
    pub(crate) timestamp: Option<Timestamp>,
    #[serde(borrow)]
    pub(crate) session_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) run_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) package: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) target: Option<Text<'a>>,
    #[serde(default = "first")]
    pub(crate) attempt: i32,
    #[serde(borrow)]
    pub(crate) gh_run_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) gh_run_attempt: Option<Text<'a>>,
}

fn first() -> i32 {
    1
}

/// The machine of a run, from a `session_start` record. Each field has the same name and meaning as in a record.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Machine {
    /// The operating system, such as `linux`.
    pub(crate) os: Option<String>,
    /// The architecture, such as `x86_64`.
    pub(crate) arch: Option<String>,
    /// The model name of the CPU.
    pub(crate) cpu_model: Option<String>,
    /// The name of the machine.
    pub(crate) hostname: Option<String>,
    /// Logical CPUs.
    pub(crate) cpu_count: Option<i64>,
    /// CPUs that the control group allows; those of the machine if there is no limit.
    pub(crate) cpu_limit: Option<f64>,
    /// Memory in bytes.
    pub(crate) mem_total_bytes: Option<i64>,
    /// Bytes of memory that the control group allows; those of the machine if there is no limit.
    pub(crate) mem_limit_bytes: Option<i64>,
    /// Size of the file system of the working directory in bytes.
    pub(crate) disk_total_bytes: Option<i64>,
}

impl Machine {
    /// Returns the bytes of memory that a run may use on it.
    pub(crate) fn memory(&self) -> Option<i64> {
        let limits = [self.mem_limit_bytes, self.mem_total_bytes];
        limits.into_iter().flatten().filter(|limit| *limit > 0).min()
    }

    /// Returns the number of CPUs that a run may use on it.
    #[allow(clippy::cast_precision_loss, reason = "no machine has that many CPUs")]
    pub(crate) fn cpus(&self) -> Option<f64> {
        let limits = [self.cpu_limit, self.cpu_count.map(|count| count as f64)];
        limits.into_iter().flatten().filter(|limit| *limit > 0.0).reduce(f64::min)
    }
}

/// The GitHub Actions run. A field is empty if its variable was unset.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct GitHub {
    /// `GITHUB_REPOSITORY`
    #[serde(rename(deserialize = "gh_repository"))]
    pub(crate) repository: String,
    /// `GITHUB_WORKFLOW`
    #[serde(rename(deserialize = "gh_workflow"))]
    pub(crate) workflow: String,
    /// `GITHUB_JOB`
    #[serde(rename(deserialize = "gh_job"))]
    pub(crate) job: String,
    /// `GITHUB_REF_NAME`
    #[serde(rename(deserialize = "gh_ref_name"))]
    pub(crate) ref_name: String,
    /// `GITHUB_SHA`
    #[serde(rename(deserialize = "gh_sha"))]
    pub(crate) sha: String,
    /// `GITHUB_ACTOR`
    #[serde(rename(deserialize = "gh_actor"))]
    pub(crate) actor: String,
    /// `GITHUB_RUN_ID`
    #[serde(rename(deserialize = "gh_run_id"))]
    pub(crate) run_id: String,
    /// `GITHUB_RUN_ATTEMPT`
    #[serde(rename(deserialize = "gh_run_attempt"))]
    pub(crate) run_attempt: String,
}

/// The fields that only a `session_end` record has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct End {
    pub(crate) exit_status: Option<i32>,
    pub(crate) records_dropped: Option<i64>,
}

/// The scope of the CPU seconds and the storage I/O of a test.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// The whole process: the test was alone in it.
    Process,
    /// The test's own thread.
    Thread,
    /// A scope that this version does not know.
    #[serde(other)]
    Other,
}

/// An attempt of a test. Each field has the same name and meaning as in a record.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[allow(clippy::struct_field_names, reason = "the names are the table's")]
pub(crate) struct Attempt {
    /// The number of the attempt, from 1.
    #[serde(default = "first")]
    pub(crate) attempt: i32,
    /// The end of the test; the last sign of life of one that crashed.
    #[serde(serialize_with = "serialize_timestamp")]
    pub(crate) timestamp: Option<Timestamp>,
    /// The outcome of this attempt.
    #[serde(default)]
    pub(crate) outcome: Outcome,
    /// The signal that ended its process.
    pub(crate) signal: Option<i32>,
    /// Wall seconds.
    pub(crate) duration_s: Option<f64>,
    /// CPU seconds in user mode.
    pub(crate) cpu_user_s: Option<f64>,
    /// CPU seconds in the kernel.
    pub(crate) cpu_system_s: Option<f64>,
    /// The scope of the CPU seconds and the storage I/O: `process`, `thread`, `other`.
    pub(crate) cpu_scope: Option<Scope>,
    /// The most tests of its process that ran at once during it, itself included.
    pub(crate) concurrent_tests: Option<i64>,
    /// Usage of all CPUs of the machine before the test in %, 0 to 100.
    pub(crate) cpu_before: Option<f64>,
    /// Usage of all CPUs of the machine after the test in %, 0 to 100.
    pub(crate) cpu_after: Option<f64>,
    /// Resident bytes of the process before the test.
    pub(crate) rss_before: Option<i64>,
    /// Resident bytes of the process after the test.
    pub(crate) rss_after: Option<i64>,
    /// The peak of the process's resident bytes during the test.
    pub(crate) rss_peak: Option<i64>,
    /// Available memory of the machine before the test, in bytes.
    pub(crate) mem_available_before: Option<i64>,
    /// Available memory of the machine after the test, in bytes.
    pub(crate) mem_available_after: Option<i64>,
    /// The least available memory seen during the test, in bytes.
    pub(crate) mem_available_min: Option<i64>,
    /// Used memory of the machine before the test in %, 0 to 100.
    pub(crate) mem_percent_before: Option<f64>,
    /// Used memory of the machine after the test in %, 0 to 100.
    pub(crate) mem_percent_after: Option<f64>,
    /// Free bytes of the disk before the test.
    pub(crate) disk_free_before: Option<i64>,
    /// Free bytes of the disk after the test.
    pub(crate) disk_free_after: Option<i64>,
    /// Used space of the disk before the test in %, 0 to 100.
    pub(crate) disk_percent_before: Option<f64>,
    /// Used space of the disk after the test in %, 0 to 100.
    pub(crate) disk_percent_after: Option<f64>,
    /// Page faults that needed the disk.
    pub(crate) page_faults_major: Option<i64>,
    /// The number of times that its thread had to give up a CPU.
    pub(crate) ctx_switches_involuntary: Option<i64>,
    /// Bytes read from storage.
    pub(crate) io_read_bytes: Option<i64>,
    /// Bytes written to storage.
    pub(crate) io_write_bytes: Option<i64>,
    /// The number of heap allocations.
    pub(crate) alloc_count: Option<i64>,
    /// Bytes of these allocations.
    pub(crate) alloc_bytes: Option<i64>,
    /// The peak of allocated bytes on the heap.
    pub(crate) alloc_peak_bytes: Option<i64>,
}

/// The record of a test as `cargo resmon` passes it on: without the fields that all records of a run share.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct TestRecord {
    pub(crate) test_nodeid: String,
    pub(crate) package: Option<String>,
    /// Its Cargo target, as nextest names binaries.
    pub(crate) target: Option<String>,
    #[serde(flatten)]
    pub(crate) figures: Attempt,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

impl TestRecord {
    /// Returns the fields of the record that have a value.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        record("test", self)
    }
}

/// The fields that only the record of a test binary has.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct About {
    pub(crate) package: Option<String>,
    /// The path of the executable.
    pub(crate) executable: Option<String>,
    /// Its source file, relative to its package, if it is known.
    pub(crate) source: Option<String>,
    /// Its exit code, unless a signal ended it.
    pub(crate) exit_status: Option<i32>,
    /// The number of its test records.
    pub(crate) tests: Option<u32>,
    /// The number of these with a bad outcome.
    pub(crate) tests_bad: Option<u32>,
    /// Its Cargo target, as nextest names binaries.
    pub(crate) target: Option<String>,
    /// The reason why its tests are not measured from inside although that was requested.
    pub(crate) not_instrumented: Option<String>,
    /// The reason why its heap is not counted although that was requested.
    pub(crate) heap_not_counted: Option<String>,
}

/// The record of a test binary. The table has no columns for it.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct ProcessRecord {
    pub(crate) test_nodeid: &'static str,
    #[serde(flatten)]
    pub(crate) about: About,
    #[serde(flatten)]
    pub(crate) figures: Attempt,
}

impl ProcessRecord {
    /// Returns the fields of the record that have a value.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let mut fields = record("process", self);
        // A test has these.
        fields.retain(|name, _| !["attempt", "outcome"].contains(&name.as_str()));
        fields
    }
}

/// Builds a record of an event. A missing value is left out.
pub(crate) fn record(event: &str, value: &impl Serialize) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("event_type".to_owned(), event.into());
    if let Ok(Value::Object(others)) = serde_json::to_value(value) {
        fields.extend(others.into_iter().filter(|(_, value)| !value.is_null()));
    }
    fields
}

/// Formats a timestamp as records have it.
pub(crate) fn text_of(timestamp: Timestamp) -> String {
    timestamp.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string()
}

#[allow(clippy::ref_option, reason = "the signature that serde asks for")]
pub(crate) fn serialize_timestamp<S: Serializer>(
    timestamp: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    timestamp.map(text_of).serialize(serializer)
}

impl Attempt {
    /// Returns the sum of user and system CPU seconds.
    pub(crate) fn cpu_s(&self) -> Option<f64> {
        match (self.cpu_user_s, self.cpu_system_s) {
            (None, None) => None,
            (user, system) => Some(user.unwrap_or_default() + system.unwrap_or_default()),
        }
    }

    /// Adds the figures of `other` that are missing here.
    pub(crate) fn fill(&mut self, other: &Self) {
        macro_rules! fill {
            ($($field:ident)*) => { $(self.$field = self.$field.or(other.$field);)* };
        }
        fill! {
            timestamp signal duration_s cpu_user_s cpu_system_s cpu_scope concurrent_tests
            cpu_before cpu_after rss_before rss_after rss_peak mem_available_before
            mem_available_after mem_available_min mem_percent_before mem_percent_after
            disk_free_before disk_free_after disk_percent_before disk_percent_after
            page_faults_major ctx_switches_involuntary io_read_bytes io_write_bytes alloc_count
            alloc_bytes alloc_peak_bytes
        }
    }

    /// Returns the growth of the process in resident bytes.
    pub(crate) fn growth(&self) -> Option<i64> {
        self.rss_after?.checked_sub(self.rss_before?)
    }

    /// Returns the average number of CPUs that it kept busy. `None` below 1 ms, where the measurement itself dominates.
    pub(crate) fn cpus(&self) -> Option<f64> {
        let wall = self.duration_s.filter(|wall| *wall >= 0.001)?;
        Some(self.cpu_s()? / wall)
    }

    /// Returns its start and end, in seconds since 1970.
    pub(crate) fn span(&self) -> Option<(f64, f64)> {
        let end = self.timestamp?.as_duration().as_secs_f64();
        Some((end - self.duration_s.unwrap_or_default(), end))
    }

    /// Returns the least available memory of the machine that was seen, in bytes.
    pub(crate) fn mem_available(&self) -> Option<i64> {
        [self.mem_available_min, self.mem_available_before, self.mem_available_after]
            .into_iter()
            .flatten()
            .min()
    }

    /// Removes impossible figures, such as a negative duration, which would mislead.
    pub(crate) fn without_nonsense(mut self) -> Self {
        for seconds in [&mut self.duration_s, &mut self.cpu_user_s, &mut self.cpu_system_s] {
            *seconds = seconds.filter(|seconds| (0.0..1e9).contains(seconds));
        }
        for percent in [
            &mut self.cpu_before,
            &mut self.cpu_after,
            &mut self.mem_percent_before,
            &mut self.mem_percent_after,
            &mut self.disk_percent_before,
            &mut self.disk_percent_after,
        ] {
            *percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
        }
        for bytes in [
            &mut self.rss_before,
            &mut self.rss_after,
            &mut self.rss_peak,
            &mut self.mem_available_before,
            &mut self.mem_available_after,
            &mut self.mem_available_min,
        ] {
            *bytes = bytes.filter(|bytes| *bytes >= 0);
        }
        self
    }
}

/// Describes why a line is not a record. The text continues "line 3 is".
pub(crate) fn describe(error: &serde_json::Error) -> String {
    let error_text = error.to_string();
    // Within a single line, the line and column of the error say little.
    let why = error_text.split(" at line ").next().unwrap_or_default();
    if error.is_data() { format!("not a record: {why}") } else { format!("not JSON: {why}") }
}

/// Returns the name of an executable without its folder, extension, and the hash by which Cargo distinguishes builds.
pub(crate) fn executable_name(executable: &str) -> &str {
    let name = executable.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(name);
    match name.rsplit_once('-') {
        Some((name, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            name
        }
        _ => name,
    }
}
