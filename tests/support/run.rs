//! Commands in a clean environment, run as a user would run them.

use std::{
    env,
    ffi::OsStr,
    io::Read,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::{TempDir, tempdir};

/// Prefixes of variables that affect resmon, test runners and HTTP clients. The tests themselves may run under nextest,
/// on GitHub, behind a proxy, or with resmon switched on.
const OURS: [&str; 5] = ["RESMON_", "TINYBIRD_", "NEXTEST", "GITHUB_", "RUST_TEST_"];

/// Variable of the spool directory. Tests with the same one would deliver each other's records.
const SPOOL: &str = "RESMON_SPOOL_DIR";

/// Timeout of a command, which may be a build on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// Timeout of this binary's own tests, which take seconds.
const OWN_LIMIT: Duration = Duration::from_secs(120);

/// A command to run.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    limit: Duration,
}

impl Run {
    /// Creates a run of a program in a clean environment, without input.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy().to_ascii_uppercase();
            // The spool directory is set when the command starts.
            if text == SPOOL {
                continue;
            }
            if OURS.iter().any(|ours| text.starts_with(ours)) || text.ends_with("_PROXY") {
                command.env_remove(&name);
            }
        }
        Self { command, limit: LIMIT }
    }

    /// Creates a run of this test binary with the tests whose names contain `filter`.
    pub(crate) fn own_tests(filter: &str) -> Self {
        let own = env::current_exe().expect("a test binary knows where it is");
        Self { limit: OWN_LIMIT, ..Self::new(own) }.arg(filter)
    }

    /// Creates a run of the `cargo` whose toolchain runs these tests.
    pub(crate) fn cargo() -> Self {
        Self::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs as this user in its group only, which root may.
    #[cfg(unix)]
    pub(crate) fn user(mut self, id: u32) -> Self {
        std::os::unix::process::CommandExt::uid(&mut self.command, id);
        std::os::unix::process::CommandExt::gid(&mut self.command, id);
        self
    }

    /// Makes this call in the new process before the program starts.
    ///
    /// # Safety
    ///
    /// The call must be one of those that may be made between fork and exec.
    #[cfg(unix)]
    pub(crate) unsafe fn before(
        mut self,
        call: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        // SAFETY: the caller's promise.
        unsafe { std::os::unix::process::CommandExt::pre_exec(&mut self.command, call) };
        self
    }

    /// Runs in this folder, and sets `PWD` as a shell would.
    pub(crate) fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(&folder).env("PWD", folder.as_ref());
        self
    }

    /// Sets the timeout, after which the command is killed and the test fails.
    pub(crate) fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Creates a spool directory for the command, unless the test has set one.
    fn spool(&mut self) -> Option<TempDir> {
        if self.command.get_envs().any(|(name, _)| name == SPOOL) {
            return None;
        }
        let folder = tempdir().expect("a folder of our own");
        self.command.env(SPOOL, folder.path().join("spool"));
        Some(folder)
    }

    /// Starts the command.
    pub(crate) fn start(mut self) -> Running {
        let spool = self.spool();
        let started = Instant::now();
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let stdout = Captured::new(child.stdout.take().expect("piped"));
        let stderr = Captured::new(child.stderr.take().expect("piped"));
        Running {
            command: self.command,
            child,
            stdout,
            stderr,
            started,
            deadline: started + self.limit,
            _spool: spool,
        }
    }

    /// Runs the command to its end.
    pub(crate) fn finish(self) -> Finished {
        self.start().finish()
    }
}

/// A running command.
pub(crate) struct Running {
    command: Command,
    child: Child,
    stdout: Captured,
    stderr: Captured,
    started: Instant,
    deadline: Instant,
    _spool: Option<TempDir>,
}

impl Running {
    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process, with SIGKILL on Unix.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the child is ours");
    }

    /// Returns the status of the process if it has ended, whoever still holds its pipes.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the child is ours")
    }

    /// Returns stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits for the command's end. Panics after the timeout.
    pub(crate) fn finish(mut self) -> Finished {
        if !(self.stdout.ended_by(self.deadline) && self.stderr.ended_by(self.deadline)) {
            // The command may have ended by itself in the meantime.
            let _ = self.child.kill();
            panic!("{:?} hangs\n{}\n{}", self.command, self.stdout.text(), self.stderr.text());
        }
        let status = self.child.wait().expect("the child is ours");
        Finished {
            command: format!("{:?}", self.command),
            code: status.code(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            took: self.started.elapsed(),
        }
    }
}

/// A pipe that a thread of its own reads.
struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Captured {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = mpsc::channel();
        let shared = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut chunk) {
                shared.lock().expect("no panics under this lock").extend(&chunk[..count]);
            }
            drop(end);
        });
        Self { bytes, ended }
    }

    fn ended_by(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        self.ended.recv_timeout(left) == Err(RecvTimeoutError::Disconnected)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no panics under this lock")).into_owned()
    }
}

/// Returns whether nextest is installed. Says so on stdout if it is not: the test that asks is skipped. In CI nextest is
/// there, and a test fails without it.
pub(crate) fn has_nextest() -> bool {
    let version = Run::cargo().args(["nextest", "--version"]).finish();
    let is_there = version.code == Some(0) || env::var_os("CI").is_some();
    if !is_there {
        println!("skipped: cargo-nextest is not installed");
    }
    is_there
}

/// Returns the target triple of this machine.
pub(crate) fn host() -> String {
    let rustc = Run::new("rustc").arg("-vV").finish().exits(0).stdout;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

/// Returns the exit status that a session reports when its process exits with `code`: on systems that do not tell the
/// code, the status inferred from the tests.
pub(crate) fn reported(code: i64, inferred: i64) -> i64 {
    if cfg!(all(target_os = "linux", target_env = "gnu")) { code } else { inferred }
}

/// The output and exit code of a command.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) command: String,
    /// Exit code; `None` if a signal ended the command.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// Counts of tests from libtest's summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

impl Finished {
    /// Requires this exit code. Panics with the output otherwise.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}\n{}", self.command, self.stdout, self.stderr);
        self
    }

    /// Returns resmon's warnings, without their common prefix.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.stderr.lines().filter_map(|line| line.strip_prefix("resmon: warning: ")).collect()
    }

    /// Returns whether resmon printed nothing.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.stdout.contains("resmon:") && !self.stderr.contains("resmon:")
    }

    /// Returns the sums of all `test result:` lines.
    pub(crate) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for line in self.stdout.lines().filter(|line| line.starts_with("test result: ")) {
            let of = |what: &str| -> usize {
                let before = line.split(what).next().expect("split gives one at least");
                let number = before.rsplit(' ').nth(1).expect("a number and a space come before");
                number.parse().unwrap_or_else(|_| panic!("no count of {what:?} in {line}"))
            };
            sum.passed += of("passed");
            sum.failed += of("failed");
            sum.ignored += of("ignored");
        }
        sum
    }

    /// Returns the duration of the tests by libtest's own measurement.
    pub(crate) fn tests_took(&self) -> Duration {
        let seconds = self
            .stdout
            .split("finished in ")
            .nth(1)
            .and_then(|rest| rest.split('s').next())
            .and_then(|seconds| seconds.parse().ok());
        Duration::from_secs_f64(seconds.unwrap_or_else(|| panic!("no time in {}", self.stdout)))
    }
}
