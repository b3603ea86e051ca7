//! A package without dependencies, run with and without resmon.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tempfile::{TempDir, tempdir};

use crate::{
    Suite,
    binaries::timeless,
    support::{Finished, Fixture, Run},
};

const MANIFEST: &str =
    "[package]\nname = \"ran-by\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
const LIBRARY: &str = r#"
#[test]
fn tells_what_ran_it() {
    println!("ran by {:?}", std::env::var("RAN_BY"));
}
"#;

/// A package whose test prints the variable `RAN_BY`, by which runners and wrappers make themselves known. Its path
/// contains spaces.
pub(crate) struct Package {
    pub(crate) suite: Suite,
    scratch: TempDir,
}

impl Package {
    /// Creates the package with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let scratch = tempdir().expect("a folder of our own");
        let fixture = Fixture::at(&scratch.path().join("a path with spaces"));
        let package = Self { suite: Suite::of(fixture), scratch };
        package.write("Cargo.toml", MANIFEST);
        package.write("src/lib.rs", LIBRARY);
        for (path, text) in files {
            package.write(path, text);
        }
        package
    }

    pub(crate) fn folder(&self) -> &Path {
        self.suite.fixture.folder()
    }

    /// Returns the folder around the package, in which there is no workspace.
    pub(crate) fn outside(&self) -> &Path {
        self.scratch.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder().join(path);
        fs::create_dir_all(path.with_file_name("")).expect("a folder of our own");
        fs::write(&path, text).expect("the same");
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the same");
    }

    /// Returns the command without resmon.
    pub(crate) fn plain(&self, arguments: &[&str]) -> Run {
        Run::cargo()
            .args(arguments)
            .folder(self.folder())
            .env("CARGO_TARGET_DIR", Fixture::target())
            .env("CARGO_TERM_COLOR", "never")
    }

    /// Runs the command with and without resmon, and requires the same exit code and the same output of the tests.
    #[track_caller]
    pub(crate) fn same_as_plain(
        &self,
        arguments: &[&str],
        prepare: impl Fn(Run) -> Run,
    ) -> Finished {
        let plain = prepare(self.plain(arguments)).finish();
        let run = prepare(self.suite.resmon(arguments)).finish();
        assert_eq!(run.code, plain.code, "{}\n{}\n{}", run.command, run.stderr, plain.stderr);
        let (stdout, expected) = (timeless(&run.stdout), timeless(&plain.stdout));
        assert_eq!(stdout, expected, "{}\n{}", run.command, run.stderr);
        run
    }

    /// Runs the test as [`Self::same_as_plain`], with these options after `cargo test` or `cargo nextest run`. Requires
    /// that it is run by `ran_by`, and measured.
    #[track_caller]
    pub(crate) fn runs(&self, subcommand: &str, options: &[&str], ran_by: Option<&str>) {
        self.runs_with(subcommand, options, ran_by, |run| run);
    }

    #[track_caller]
    pub(crate) fn runs_with(
        &self,
        subcommand: &str,
        options: &[&str],
        ran_by: Option<&str>,
        prepare: impl Fn(Run) -> Run,
    ) {
        let run = self.same_as_plain(&shown(subcommand, options), prepare);
        assert_eq!(run.code, Some(0), "{}\n{}", run.command, run.stderr);
        assert_eq!(who_ran(&run), ran_by, "{}", run.command);
        assert!(is_measured(&run), "{}\n{}", run.command, run.stderr);
    }
}

/// Returns the arguments to run the test with its output shown.
pub(crate) fn shown<'a>(subcommand: &str, options: &[&'a str]) -> Vec<&'a str> {
    match subcommand {
        "nextest" => [&["nextest", "run", "--offline", "--no-capture"], options].concat(),
        _ => [&["test", "--offline", "--lib"], options, &["--", "--nocapture"]].concat(),
    }
}

/// Returns the value of `RAN_BY` that the test has seen.
pub(crate) fn who_ran(run: &Finished) -> Option<&str> {
    let lines = || run.stdout.lines();
    assert!(lines().any(|line| line.contains("ran by ")), "{}\n{}", run.stdout, run.stderr);
    lines().find_map(|line| line.split_once("ran by Ok(\"")?.1.strip_suffix("\")"))
}

/// Returns whether the report is of one test or one test binary.
pub(crate) fn is_measured(run: &Finished) -> bool {
    run.stderr.contains("1 test: 1 passed") || run.stderr.contains("1 test binary: 1 passed")
}
