//! Targets that cannot be instrumented run as usual, and the report says so.

use std::fs;

use tempfile::tempdir;

use crate::{Suite, compiled, notes, package};

const NOTE: &str = "Not instrumented: strict (lib): its crate denies unstable features";

#[test]
fn a_crate_that_forbids_unstable_features() {
    let suite = Suite::new();
    // A changed file is compiled again, so that the compiler's messages show.
    let source = suite.fixture.folder().join("strict/src/lib.rs");
    let text = fs::read_to_string(&source).expect("a fixture");
    fs::write(&source, text).expect("a copy of our own");
    let first = suite.test(&["--package=strict", "--lib"]).finish().exits(0);
    assert_eq!(first.counts().passed, 1);
    assert_eq!(notes(&first), [NOTE]);
    // The messages of the plain compilation appear once.
    assert_eq!(first.stderr.matches("unused variable: `unused`").count(), 1, "{}", first.stderr);
    assert!(
        !first.stderr.contains("error") && !first.stderr.contains("custom_test_frameworks"),
        "{}",
        first.stderr
    );
    // The second run reports the same, although Cargo compiles nothing.
    let second = suite.test(&["--package=strict", "--lib"]).finish().exits(0);
    assert!(!compiled(&second), "{}", second.stderr);
    assert_eq!(notes(&second), [NOTE]);
}

#[test]
fn a_harness_of_their_own() {
    let suite = Suite::new();
    let run = suite.test(&["--package=custom", "--test=own"]).finish().exits(0);
    assert!(run.stdout.contains("one test of an own kind"), "{}", run.stdout);
    assert_eq!(
        notes(&run),
        ["Not instrumented: custom tests/own.rs: it has no harness of libtest (`harness = false`)"]
    );
}

#[test]
fn what_the_compiler_refuses_it_refuses_here_in_the_same_words() {
    for library in [
        "#[test]\nfn wrong() { let number: u8 = \"text\"; }\n",
        // The feature `test` is unstable, so that a stable compiler refuses this with the harness and without.
        "#![feature(test)]\nextern crate test;\n#[bench]\nfn bench(_: &mut test::Bencher) {}\n",
    ] {
        let folder = tempdir().expect("a folder of our own");
        let suite = Suite::of(package(folder.path(), "refused", "", library));
        let plain = suite.plain(&["--lib"]).finish();
        let run = suite.test(&["--lib"]).finish();
        assert_eq!(run.code, plain.code, "{}", run.stderr);
        let errors = |text: &str| -> Vec<String> {
            // Other tests may be building at this moment, which shows in Cargo's output.
            let passing = ["resmon: ", "Compiling", "Blocking"];
            let is_passing =
                |line: &&str| passing.iter().any(|word| line.trim_start().starts_with(word));
            let lines = text.lines().filter(|line| !is_passing(line));
            lines.take_while(|line| !line.starts_with("refused, 20")).map(str::to_owned).collect()
        };
        if plain.code != Some(0) {
            assert_eq!(errors(&run.stderr), errors(&plain.stderr));
        }
    }
}

/// Requires that a warning is shown once after a build, and once again from Cargo's cache.
#[test]
fn warnings_pass_through() {
    let folder = tempdir().expect("a folder of our own");
    let library = "#[test]\nfn warns() { let unused = 1; }\n";
    let suite = Suite::of(package(folder.path(), "warns", "", library));
    for _ in 0..2 {
        let run = suite.test(&["--lib"]).finish().exits(0);
        let plain = suite.plain(&["--lib"]).finish().exits(0);
        let warning = |text: &str| -> Vec<String> {
            let lines =
                text.lines().skip_while(|line| !line.starts_with("warning: unused variable"));
            lines
                .take_while(|line| !line.starts_with("warning: `warns`"))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(warning(&run.stderr), warning(&plain.stderr));
        assert!(warning(&run.stderr).len() > 3, "{}", run.stderr);
        assert_eq!(run.stderr.matches("warning: unused variable").count(), 1);
    }
    let json = ["--lib", "--message-format=json", "--no-run"];
    let messages = |text: &str| text.matches("\"reason\":\"compiler-message\"").count();
    let run = suite.test(&json).finish().exits(0);
    assert_eq!(messages(&run.stdout), 1, "{}", run.stdout);
}

#[test]
fn a_harness_that_cannot_be_built_costs_one_line() {
    let folder = tempdir().expect("a folder of our own");
    let suite = Suite::of(package(
        &folder.path().join("package"),
        "without",
        "",
        "#[test]\nfn passes() {}\n",
    ));
    let target = folder.path().join("target");
    // A file blocks the directory of the harness.
    fs::create_dir_all(target.join("resmon")).expect("a folder of our own");
    fs::write(target.join("resmon/harness"), "in the way").expect("the same");
    let run = suite.test(&["--lib"]).env("CARGO_TARGET_DIR", &target).finish().exits(0);
    assert_eq!(run.counts().passed, 1);
    let warnings = run.warnings();
    assert_eq!(warnings.len(), 1, "{}", run.stderr);
    assert!(
        warnings[0].contains("harness cannot be built") && warnings[0].contains("--no-instrument"),
        "{}",
        warnings[0]
    );
}
