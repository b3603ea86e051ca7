//! Programs that nextest starts beside tests or in front of them: wrapper scripts, setup scripts, debuggers, archives.

use crate::{
    has_nextest,
    package::{Package, is_measured, shown, who_ran},
    support::{Fixture, Run, host},
};

fn wrapper(target_runner: &str) -> String {
    format!(
        "experimental = ['wrapper-scripts']\n[scripts.wrapper.wrap]\ncommand = 'env RAN_BY=wrapper'\n{target_runner}\n\
         [[profile.default.scripts]]\nfilter = 'all()'\nrun-wrapper = 'wrap'\n"
    )
}

/// Adds a runner of the user.
fn with_runner(run: Run) -> Run {
    let name = format!("CARGO_TARGET_{}_RUNNER", host().to_uppercase().replace('-', "_"));
    run.env(&name, "env RAN_BY=runner")
}

#[test]
fn a_wrapper_script_goes_on_starting_tests() {
    if !has_nextest() {
        return;
    }
    let package = Package::new(&[]);
    for (target_runner, is_whole, ran_by) in [
        ("target-runner = 'within-wrapper'", true, "runner"),
        ("target-runner = 'around-wrapper'", true, "wrapper"),
        ("target-runner = 'ignore'", false, "wrapper"),
        ("", false, "wrapper"),
    ] {
        package.write(".config/nextest.toml", &wrapper(target_runner));
        for (runner, ran_by) in [(false, "wrapper"), (true, ran_by)] {
            let prepare = |run| if runner { with_runner(run) } else { run };
            let run = package.same_as_plain(&shown("nextest", &[]), prepare);
            assert_eq!(who_ran(&run), Some(ran_by), "{target_runner} {runner}");
            assert_eq!(is_measured(&run), is_whole, "{}", run.stderr);
            assert_eq!(run.stderr.contains("by the wrapper script \"wrap\""), !is_whole);
            assert_eq!(run.stderr.contains("no test binary was seen"), !is_whole);
        }
    }
}

#[test]
fn what_a_wrapper_script_hides_from_outside_is_measured_from_inside() {
    if !has_nextest() {
        return;
    }
    for target_runner in ["", "target-runner = 'overrides-wrapper'"] {
        let package = Package::new(&[(".config/nextest.toml", &wrapper(target_runner))]);
        let inside = |run: Run| run.env("RESMON_INSTRUMENT", "1");
        let run = package.same_as_plain(&shown("nextest", &[]), inside);
        assert_eq!(who_ran(&run), Some("wrapper"));
        assert!(is_measured(&run), "{}", run.stderr);
        let is_said = run.stderr.contains("no test binary was seen from outside");
        assert_eq!(is_said, target_runner.is_empty(), "{}", run.stderr);
    }
}

#[test]
fn a_wrapper_script_that_a_runner_overrides_is_not_overridden_by_the_shim() {
    if !has_nextest() {
        return;
    }
    let config = wrapper("target-runner = 'overrides-wrapper'");
    let package = Package::new(&[(".config/nextest.toml", &config)]);
    let run = package.same_as_plain(&shown("nextest", &[]), |run| run);
    assert_eq!(who_ran(&run), Some("wrapper"));
    assert!(
        run.stderr.contains("would replace nextest's wrapper script \"wrap\""),
        "{}",
        run.stderr
    );
    package.runs_with("nextest", &[], Some("runner"), with_runner);
}

#[test]
fn a_wrapper_script_of_another_profile_or_of_a_tool_counts_where_it_is_used() {
    if !has_nextest() {
        return;
    }
    let package = Package::new(&[("tool.toml", "[profile.default]\nretries = 0\n")]);
    let config = wrapper("").replace("profile.default", "profile.ci") + "[profile.ci]\n";
    package.write(".config/nextest.toml", &config);
    package.runs("nextest", &[], None);
    let run = package.same_as_plain(&shown("nextest", &["-Pci"]), |run| run);
    assert!(who_ran(&run) == Some("wrapper") && !is_measured(&run), "{}", run.stderr);
    assert!(run.stderr.contains("\"wrap\""), "{}", run.stderr);
    // An option with a value before the subcommand.
    let tool = format!("ci:{}", package.folder().join("tool.toml").display());
    let arguments = ["nextest", "--tool-config-file", &tool, "run", "--offline", "--no-capture"];
    let run = package.same_as_plain(&arguments, |run| run);
    assert!(is_measured(&run), "{}", run.stderr);
}

#[test]
fn a_program_that_a_setup_script_runs_is_no_test() {
    if !has_nextest() {
        return;
    }
    let package = Package::new(&[
        ("src/bin/tool.rs", "fn main() { println!(\"tool {:?}\", std::env::var(\"RAN_BY\")); }\n"),
        (
            ".config/nextest.toml",
            "experimental = ['setup-scripts']\n[scripts.setup.tool]\n\
             command = 'cargo run --quiet --offline --bin tool'\ncapture-stdout = false\n\
             [[profile.default.scripts]]\nfilter = 'all()'\nsetup = 'tool'\n",
        ),
    ]);
    for prepare in [with_runner as fn(Run) -> Run, |run| run] {
        let run = package.same_as_plain(&shown("nextest", &[]), prepare);
        assert!(
            run.stdout.contains("\ntool ") || run.stdout.starts_with("tool "),
            "{}",
            run.stdout
        );
        assert!(is_measured(&run) && !run.stderr.contains("test binar"), "{}", run.stderr);
    }
}

#[test]
fn a_debugger_and_a_tracer_get_the_test_itself() {
    if !has_nextest() {
        return;
    }
    let package = Package::new(&[]);
    for option in ["--debugger", "--tracer"] {
        let arguments = ["nextest", "run", "--offline", option, "echo started:"];
        let run = package.same_as_plain(&arguments, |run| run);
        assert!(run.stdout.contains("started: "), "{}", run.stdout);
        assert!(!run.stdout.contains("cargo-resmon"), "{}", run.stdout);
        assert!(run.stderr.contains(&format!("tests that {option} starts")), "{}", run.stderr);
    }
}

#[test]
fn an_archive_is_measured_where_the_workspace_is_named() {
    if !has_nextest() {
        return;
    }
    let package = Package::new(&[]);
    let archive = package.outside().join("tests.tar.zst");
    let archive = archive.to_str().expect("text");
    package
        .plain(&["nextest", "archive", "--offline", "--archive-file", archive])
        .finish()
        .exits(0);
    let workspace = package.folder().to_str().expect("text");
    let arguments = ["nextest", "run", "--no-capture", "--archive-file", archive];
    let outside = |run: Run| run.folder(package.outside());
    let remapped = [&arguments[..], &["--workspace-remap", workspace]].concat();
    let run = package.same_as_plain(&remapped, outside);
    assert!(run.code == Some(0) && is_measured(&run), "{}", run.stderr);
    let run = package.same_as_plain(&arguments, outside);
    assert!(run.code == Some(0) && !is_measured(&run), "{}", run.stderr);
    assert!(
        run.stderr.contains("nothing is recorded: there is no workspace here"),
        "{}",
        run.stderr
    );
    // Inside of the workspace nothing needs to be named.
    let run = package.same_as_plain(&arguments, |run| run);
    assert!(run.code == Some(0) && is_measured(&run), "{}", run.stderr);
    assert!(Fixture::target().exists());
}
