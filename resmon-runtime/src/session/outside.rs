//! A process of a run as its parent sees it. Called by the shim of `cargo resmon`; not public API.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use resmon_record::config::{CHILD, INTAKE};
use resmon_record::line::Line;
use resmon_record::timestamp::Timestamp;
use resmon_record::{key, process, session_id};

use crate::measure::snapshot::{Disk, Machine, Memory, Start};
use crate::session::collector::intake_fields::{Began, Ended};

/// The measurement of a process, from before its start to after its end. Both moments are written to the intake.
#[derive(Debug)]
pub struct Process {
    child: String,
    intake: File,
    machine: Machine,
    start: Start,
    started: Instant,
}

/// The notes of the instrumented build about an executable. `None` is a note that is missing.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The Cargo target, as nextest names binaries.
    pub target: Option<String>,
    /// The reason why the tests are not measured from inside, although they should be.
    pub not_instrumented: Option<String>,
    /// The reason why the heap is not counted, although it should be.
    pub heap_not_counted: Option<String>,
}

/// The end of a process, and the resources that it used. `None` is unknown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// The process id.
    pub pid: u32,
    /// The exit code, unless a signal ended the process.
    pub exit_code: Option<i32>,
    /// The signal that ended the process.
    pub signal: Option<i32>,
    /// CPU seconds in user code by `wait4(2)`, children included.
    pub cpu_user_s: Option<f64>,
    /// CPU seconds in the kernel, children included.
    pub cpu_system_s: Option<f64>,
    /// The peak of resident memory, in bytes.
    pub rss_peak: Option<u64>,
    /// Bytes read from storage.
    pub io_read_bytes: Option<u64>,
    /// Bytes written to storage.
    pub io_write_bytes: Option<u64>,
}

impl Process {
    /// Writes to the intake that a process is about to start, for the test `test_name` if it is for one. `None` if the
    /// process is not to be measured: outside a run of `cargo resmon`, and within a measured process.
    ///
    /// # Errors
    ///
    /// Errors of writing to the intake.
    pub fn begin(
        executable: &Path,
        test_name: Option<String>,
        build: Build,
    ) -> io::Result<Option<Self>> {
        let is_measured = env::var_os(CHILD).is_some();
        let Some(intake) = env::var_os(INTAKE).filter(|_| !is_measured) else { return Ok(None) };
        let intake = OpenOptions::new().append(true).open(intake)?;
        let child = format!("{:016x}", session_id::random());
        let machine = Machine::open();
        let (before, start) = machine.before();
        let variable = |name| env::var(name).ok();
        // Without a name, nextest's variables are those of an outer run.
        let is_nextest = test_name.is_some();
        let mut line = mark("begin", &child);
        Began {
            shim: std::process::id(),
            shim_name: process::name(),
            executable: executable.to_string_lossy().into_owned(),
            test_name,
            binary_id: variable("NEXTEST_BINARY_ID").filter(|_| is_nextest),
            manifest_dir: variable("CARGO_MANIFEST_DIR"),
            target: build.target,
            not_instrumented: build.not_instrumented,
            heap_not_counted: build.heap_not_counted,
            package: variable("CARGO_PKG_NAME"),
            attempt: if is_nextest { crate::session::attempt() } else { 1 },
            cpu_before: before.cpu,
            mem_available_before: before.memory.map(|memory| memory.available),
            mem_percent_before: before.memory.map(Memory::percent),
            disk_free_before: before.disk.map(|disk| disk.free),
            disk_percent_before: before.disk.map(Disk::percent),
        }
        .write(&mut line);
        append(&intake, line)?;
        Ok(Some(Self { child, intake, machine, start, started: Instant::now() }))
    }

    /// Returns the variable, with its value, that identifies the process in its own records.
    #[must_use]
    pub fn variable(&self) -> (&'static str, &str) {
        (CHILD, &self.child)
    }

    /// Writes to the intake that the process has ended.
    ///
    /// # Errors
    ///
    /// Errors of writing to the intake.
    pub fn end(&self, ended: Instant, cost: &Cost) -> io::Result<()> {
        let after = self.machine.after(self.start);
        let mut line = mark("end", &self.child);
        Ended {
            pid: cost.pid,
            exit_code: cost.exit_code,
            signal: cost.signal,
            duration_s: ended.saturating_duration_since(self.started).as_secs_f64(),
            cpu_after: after.cpu,
            mem_available_after: after.memory.map(|memory| memory.available),
            mem_percent_after: after.memory.map(Memory::percent),
            disk_free_after: after.disk.map(|disk| disk.free),
            disk_percent_after: after.disk.map(Disk::percent),
            cpu_user_s: cost.cpu_user_s,
            cpu_system_s: cost.cpu_system_s,
            cpu_scope: "process",
            rss_peak: cost.rss_peak,
            io_read_bytes: cost.io_read_bytes,
            io_write_bytes: cost.io_write_bytes,
        }
        .write(&mut line);
        append(&self.intake, line)
    }
}

fn mark(what: &str, child: &str) -> Line {
    let mut line = Line::new();
    line.field(key!(resmon), &what);
    line.field(key!(child), &child);
    line.field(key!(timestamp), &Timestamp::now());
    line
}

fn append(mut intake: &File, line: Line) -> io::Result<()> {
    intake.write_all(&line.finish())
}
