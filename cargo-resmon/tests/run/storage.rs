//! Directories that are full, in the way of something, or without locks.

use std::{fs, path::Path};

use tempfile::{TempDir, tempdir};

use crate::{
    Records, Suite, has_nextest, one_session,
    support::{Finished, Fixture, Run},
};

/// Returns a command that runs in a mount namespace with a file system of this many KiB at `place`. Says so and returns
/// `None` where that is not allowed.
#[cfg(target_os = "linux")]
fn with_small_disk(suite: &Suite, place: &Path, kib: u32, arguments: &[&str]) -> Option<Run> {
    // SAFETY: the call only reads an attribute of the process.
    let namespaces = if unsafe { libc::geteuid() } == 0 { "-m" } else { "-Urm" };
    let script = format!(
        "mount -t tmpfs -o size={kib}k,mode=700 none {} && shift && exec \"$@\"",
        place.display()
    );
    let shell = || Run::new("unshare").args([namespaces, "sh", "-c", &script, "sh", "x"]);
    fs::create_dir_all(place).expect("a folder of our own");
    if shell().arg("true").finish().code != Some(0) {
        eprintln!("not tried: this user may not mount a file system");
        return None;
    }
    let run = shell().arg(env!("CARGO_BIN_EXE_cargo-resmon")).arg("resmon").args(arguments);
    let run = run.folder(suite.fixture.folder()).env("CARGO_TARGET_DIR", Fixture::target());
    Some(run.env("RESMON_INSTRUMENT", "0").env("RESMON_SPOOL_DIR", place))
}

/// The spool has room reserved, so a test that fills its disk is recorded, and so are those after it.
#[test]
#[cfg(target_os = "linux")]
fn tests_on_a_full_disk_are_recorded_as_they_ended() {
    if !has_nextest() {
        return;
    }
    let suite = Suite::new();
    let disk = suite.folder.path().join("disk");
    let filter = "test(fills_the_disk) + test(=tests::passes) + test(=tests::waits)";
    let arguments = ["nextest", "run", "--offline", "--package=plain", "--run-ignored=all", "-j1"];
    let arguments = [&arguments[..], &["-E", filter]].concat();
    // Lines of other lengths, so that the disk is full at another place of one.
    for run_id in ["a", "a-longer-one", "one-that-is-even-longer-than-that"] {
        let Some(run) = with_small_disk(&suite, &disk, 256, &arguments) else { return };
        let file = suite.folder.path().join(run_id);
        let run = run.env("RESMON_FILE", &file).env("RESMON_RUN_ID", run_id);
        run.env("FIXTURE_DISK", disk.join("filler")).finish().exits(0);
        let records = Records::of_file(file);
        let tests: Vec<_> =
            records.tests().iter().map(|test| (test.id(), test.outcome())).collect();
        let passed = ["fills_the_disk", "passes", "waits"]
            .map(|name| format!("plain/src/lib.rs::tests::{name}"));
        assert_eq!(tests, passed.each_ref().map(|id| (id.as_str(), "passed")));
        assert_eq!(records.end().int("records_dropped"), 0);
    }
}

/// Returns a target directory in which no run can be kept.
fn target_without_runs() -> TempDir {
    let target = tempdir().expect("a folder of our own");
    fs::create_dir_all(target.path().join("resmon")).expect("a folder of our own");
    fs::write(target.path().join("resmon/runs"), "in the way").expect("a folder of our own");
    target
}

fn run_in(suite: &Suite, target: &Path, spool: &str) -> Finished {
    let run = suite.resmon(&["test", "--offline", "--package=plain", "--test=other"]);
    run.env("CARGO_TARGET_DIR", target).env("RESMON_SPOOL_DIR", spool).finish().exits(0)
}

#[test]
fn a_run_that_cannot_be_kept_in_its_place_is_kept_with_the_spool() {
    let suite = Suite::new();
    let target = target_without_runs();
    let spool = suite.folder.path().join("spool");
    let run = run_in(&suite, target.path(), spool.to_str().expect("text"));
    assert!(crate::copy(&run).starts_with(spool.join("runs")), "{}", run.stderr);
    assert!(crate::copy(&run).exists());
    assert_eq!(run.warnings().len(), 1, "{}", run.stderr);
}

#[test]
fn a_run_that_can_be_kept_nowhere_is_not_said_to_be() {
    let suite = Suite::new();
    let target = target_without_runs();
    let run = run_in(&suite, target.path(), "");
    assert!(!run.stderr.contains(" recorded in "), "{}", run.stderr);
    assert!(run.warnings().iter().all(|line| line.contains("the copy")), "{}", run.stderr);
}

/// Fails the locks of a process and of all that it starts with `ENOLCK`, as some network file systems do.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn without_locks() -> std::io::Result<()> {
    let code = |class: u32| u16::try_from(class).expect("small");
    let number = |constant: i64| u32::try_from(constant).expect("small");
    let jump = |k: u32, jt, jf| libc::sock_filter {
        code: code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K),
        jt,
        jf,
        k,
    };
    let load = |k| libc::sock_filter {
        code: code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS),
        jt: 0,
        jf: 0,
        k,
    };
    let answer = |k| libc::sock_filter { code: code(libc::BPF_RET | libc::BPF_K), jt: 0, jf: 0, k };
    // The number of the call is at 0 of `seccomp_data`, its second argument at 24.
    let mut filter = [
        load(0),
        jump(number(libc::SYS_fcntl), 0, 4),
        load(24),
        jump(number(libc::F_SETLK.into()), 1, 0),
        jump(number(libc::F_GETLK.into()), 0, 1),
        answer(libc::SECCOMP_RET_ERRNO | number(libc::ENOLCK.into())),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let len = filter.len().try_into().expect("small");
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    // SAFETY: the pointer is to a filter of our own, which the kernel copies.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) != 0
    };
    if failed { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn without_locks_a_run_is_recorded_and_only_crashes_are_not() {
    let suite = Suite::new();
    let run = suite.test(&["--package=marked", "--lib", "--", "passes"]);
    // SAFETY: the closure only makes system calls.
    let run = unsafe { run.before(without_locks) }.env("TMPDIR", suite.folder.path());
    let run = run.finish().exits(0);
    let warnings = run.warnings();
    let is_known = |line: &&str| line.contains("crashes will not be recorded");
    assert!(!warnings.is_empty() && warnings.iter().all(is_known), "{}", run.stderr);
    assert_eq!(one_session(&suite.records(), 0), [("marked/src/lib.rs::tests::passes", "passed")]);
    assert_eq!(suite.spool(), [""; 0]);
    let doctor = suite.resmon(&["doctor"]);
    // SAFETY: the same.
    let doctor = unsafe { doctor.before(without_locks) }.finish();
    assert!(doctor.stdout.contains("problem  spool directory: "), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("No locks available"), "{}", doctor.stdout);
}
