//! A mistake in the environment gives one warning that names the variable, and the tests run on.

mod support;

use std::{fs, path::Path, process::Command, time::Duration};

use support::{Finished, Records, Run};
use tempfile::{TempDir, tempdir};

/// The tests that the drivers run. All of them pass in an ordinary run.
mod suite {
    #[resmon::test]
    fn one() {}

    #[resmon::test]
    fn two() {}

    #[resmon::test]
    fn three() {}
}

fn folder() -> TempDir {
    tempdir().expect("a folder of our own")
}

/// Returns a run of the suite that writes to this file.
fn suite_into(file: impl AsRef<Path>) -> Run {
    Run::own_tests("suite::").env("RESMON_FILE", file.as_ref())
}

/// Requires that the tests ran as usual, and that one warning names the variable.
#[track_caller]
fn assert_warned(run: Run, variable: &str) -> Finished {
    let run = run.finish().exits(0);
    assert_eq!(run.counts().passed, 3);
    assert!(!run.stdout.contains("resmon:"), "{}", run.stdout);
    let warnings = run.warnings();
    assert!(matches!(warnings[..], [one] if one.contains(variable)), "{variable}: {warnings:#?}");
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

/// Requires a complete session in the file.
#[track_caller]
fn assert_written(file: &Path) {
    let records = Records::of_file(file);
    assert_eq!(records.tests().len(), 3);
    assert_eq!((records.start().event(), records.end().int("exit_status")), ("session_start", 0));
}

#[test]
fn a_batch_size_that_is_none() {
    for bad in ["0", "-1", "abc", "1.5", "50 tests", "99999999999999999999999", "\u{660}"] {
        let folder = folder();
        let file = folder.path().join("records.ndjson");
        let run =
            assert_warned(suite_into(&file).env("RESMON_BATCH_SIZE", bad), "RESMON_BATCH_SIZE");
        let warning = run.warnings()[0];
        assert!(warning.contains(bad) || !bad.is_ascii(), "{warning}");
        assert!(warning.contains("50"), "what is used instead: {warning}");
        assert_written(&file);
    }
}

#[test]
fn a_flush_timeout_that_is_none() {
    for bad in ["-1", "soon", "NaN", "inf", "10s", "1e400"] {
        let folder = folder();
        let file = folder.path().join("records.ndjson");
        let run = suite_into(&file).env("RESMON_FLUSH_TIMEOUT", bad);
        let run = assert_warned(run, "RESMON_FLUSH_TIMEOUT");
        assert!(run.warnings()[0].contains(bad), "{}", run.stderr);
        assert_written(&file);
    }
}

#[test]
fn numbers_that_are_large_are_no_mistake_and_no_panic() {
    for (variable, value) in [
        ("RESMON_FLUSH_TIMEOUT", "1e9"),
        ("RESMON_FLUSH_TIMEOUT", "1e19"),
        ("RESMON_BATCH_SIZE", "4294967296"),
        ("RESMON_BATCH_SIZE", "18446744073709551615"),
    ] {
        let folder = folder();
        let file = folder.path().join("records.ndjson");
        let run = suite_into(&file).env(variable, value).finish().exits(0);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert_written(&file);
    }
}

#[test]
fn a_blank_variable_is_an_unset_one() {
    for blank in ["", " ", "\n"] {
        let folder = folder();
        let file = folder.path().join("records.ndjson");
        let mut run = suite_into(&file);
        for variable in [
            "TINYBIRD_WRITE_TOKEN",
            "TINYBIRD_API_URL",
            "RESMON_BATCH_SIZE",
            "RESMON_DISABLE",
            "RESMON_DATASOURCE",
            "RESMON_FLUSH_TIMEOUT",
            "RESMON_SPOOL_DIR",
            "RESMON_RUN_ID",
        ] {
            run = run.env(variable, blank);
        }
        assert!(run.finish().exits(0).is_quiet());
        assert_written(&file);
        assert!(Run::own_tests("suite::").env("RESMON_FILE", blank).finish().exits(0).is_quiet());
    }
}

#[test]
fn a_file_that_is_a_folder() {
    let folder = folder();
    assert_warned(suite_into(folder.path()), "RESMON_FILE");
}

#[test]
fn a_file_below_a_file() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "mine").expect("a file of our own");
    assert_warned(suite_into(file.join("records.ndjson")), "RESMON_FILE");
    assert_warned(suite_into(file.join("a/b/records.ndjson")), "RESMON_FILE");
    assert_eq!(fs::read_to_string(file).expect("still there"), "mine");
}

#[test]
fn a_file_name_that_is_too_long() {
    let folder = folder();
    assert_warned(suite_into(folder.path().join("n".repeat(5000))), "RESMON_FILE");
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;

    #[test]
    fn a_file_that_even_root_may_not_write() {
        assert_warned(suite_into("/proc/version"), "RESMON_FILE");
        assert_warned(suite_into("/proc/no-such-folder/records.ndjson"), "RESMON_FILE");
    }

    #[test]
    fn a_full_disk() {
        let run = assert_warned(suite_into("/dev/full"), "RESMON_FILE");
        assert!(run.warnings()[0].contains("5 records"), "{}", run.stderr);
    }

    /// Names a FIFO, of which the opening for writing may wait for ever for a reader.
    #[test]
    fn a_pipe_that_nobody_reads() {
        let folder = folder();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("coreutils").success());
        let run = assert_warned(suite_into(&pipe), "RESMON_FILE");
        assert!(run.took < Duration::from_secs(60), "{:?}", run.took);
    }

    /// Names a device, as `/dev/stdout` in a container does.
    #[test]
    fn a_device_is_written_like_a_file() {
        assert!(suite_into("/dev/null").finish().exits(0).is_quiet());
        let run = suite_into("/dev/stderr").finish().exits(0);
        let lines = run.stderr.lines().filter(|line| line.starts_with('{')).count();
        assert_eq!(lines, 5, "{}", run.stderr);
    }

    #[test]
    fn a_value_that_is_not_utf_8() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

        let bad = OsStr::from_bytes(b"\xff\xfe");
        let folder = folder();
        let file = folder.path().join("records.ndjson");
        let run = suite_into(&file).env("RESMON_BATCH_SIZE", bad);
        assert_warned(run, "RESMON_BATCH_SIZE");
        assert_written(&file);

        // A path may contain any bytes, so this is no mistake.
        let file = folder.path().join(bad);
        assert!(suite_into(&file).env("GITHUB_REF_NAME", bad).finish().exits(0).is_quiet());
        assert_written(&file);
    }
}

#[cfg(feature = "tinybird")]
mod tinybird {
    use super::*;

    const TOKEN: &str = "p.not-to-be-seen";

    /// Requires one warning about the variable, and all records in the file of `RESMON_FILE`.
    #[track_caller]
    fn assert_file_instead(variable: &str, value: &str) -> String {
        let folder = folder();
        let file = folder.path().join("records.ndjson");
        let run = suite_into(&file).env("TINYBIRD_WRITE_TOKEN", TOKEN).env(variable, value);
        let run = assert_warned(run, variable);
        assert_written(&file);
        assert!(!run.stderr.contains("not-to-be-seen"), "{}", run.stderr);
        run.warnings()[0].to_owned()
    }

    #[test]
    fn a_url_that_is_none() {
        for bad in ["api", "http://", "http:// a", "://x", "http://[::1", "http://h:port", "/path"]
        {
            let warning = assert_file_instead("TINYBIRD_API_URL", bad);
            assert!(warning.contains(bad), "{warning}");
        }
    }

    #[test]
    fn a_url_of_another_protocol() {
        for bad in ["ftp://127.0.0.1", "file:///etc", "ws://127.0.0.1"] {
            let warning = assert_file_instead("TINYBIRD_API_URL", bad);
            assert!(warning.contains(bad), "{warning}");
        }
    }

    #[test]
    fn a_url_with_a_secret_is_not_shown() {
        for bad in ["ftp://user:secret@127.0.0.1", "nothing?token=secret"] {
            let warning = assert_file_instead("TINYBIRD_API_URL", bad);
            assert!(!warning.contains("secret"), "{warning}");
        }
    }

    #[test]
    fn a_token_that_is_none() {
        for bad in [
            "p.not-to\n-be-seen",
            "p.not-to-be-seen\r\nX-Evil: 1",
            "p.not to-be-seen",
            "p.not\u{7f}to-be-seen",
            "p.nöt-to-be-seen",
        ] {
            let warning = assert_file_instead("TINYBIRD_WRITE_TOKEN", bad);
            assert!(!warning.contains("-be-seen"), "{warning}");
        }
    }

    #[test]
    fn without_a_file_a_mistake_still_costs_one_warning_only() {
        let suite = || Run::own_tests("suite::");
        let url = suite().env("TINYBIRD_WRITE_TOKEN", TOKEN).env("TINYBIRD_API_URL", "api");
        assert_warned(url, "TINYBIRD_API_URL");
        assert_warned(suite().env("TINYBIRD_WRITE_TOKEN", "p.a\nb"), "TINYBIRD_WRITE_TOKEN");
    }
}

/// Sets a token without the feature, which builds the sender. Without `cargo-resmon` the records stay in the spool, and
/// one line says how to send them.
#[cfg(not(feature = "tinybird"))]
#[test]
fn a_token_without_the_feature() {
    let folder = folder();
    let run = suite_into(folder.path().join("records.ndjson"))
        .env("TINYBIRD_WRITE_TOKEN", "p.not-to-be-seen")
        .env("RESMON_SPOOL_DIR", folder.path().join("spool"))
        .env("PATH", "");
    let run = assert_warned(run, "cargo resmon upload");
    assert!(!run.stderr.contains("not-to-be-seen"));
}
