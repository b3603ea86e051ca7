//! The working directory and the environment, which are global to the process.

use std::{env, fs};

use crate::{Case, Mode, folder, in_both_modes, in_shell};

#[resmon::test]
#[ignore = "hostile"]
fn leaves_for_a_deleted_folder() {
    if let Some(folder) = folder() {
        let gone = folder.join("gone");
        fs::create_dir(&gone).expect("the folder is ours");
        env::set_current_dir(&gone).expect("just made");
        fs::remove_dir(&gone).expect("it is empty");
    }
}

#[test]
fn a_test_may_leave_for_a_folder_and_delete_it() {
    in_both_modes("environment::leaves_for_a_deleted_folder", |case, run| {
        assert!(run.is_quiet(), "{}", run.stderr);
        case.is_whole("passed", 0);
    });
}

#[test]
fn paths_are_those_of_the_start() {
    for mode in Mode::ALL {
        let case = Case::new("environment::leaves_for_a_deleted_folder", mode);
        let run = case.switch_on(in_shell("", case.test)).env("RESMON_SPOOL_DIR", "spool");
        let run = match mode {
            Mode::File => run.env("RESMON_FILE", "records.ndjson"),
            Mode::Tinybird | Mode::ProcessPerTest => run,
        };
        let run = run.folder(case.folder.path()).finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
        case.is_whole("passed", 0);
    }
}

const VARIABLES: [&str; 10] = [
    "RESMON_FILE",
    "RESMON_SPOOL_DIR",
    "RESMON_BATCH_SIZE",
    "RESMON_DATASOURCE",
    "RESMON_FLUSH_TIMEOUT",
    "RESMON_RUN_ID",
    "TINYBIRD_WRITE_TOKEN",
    "TINYBIRD_API_URL",
    "GITHUB_SHA",
    "PWD",
];

#[resmon::test]
#[ignore = "hostile"]
fn unsets_variables() {
    for name in VARIABLES.iter().filter(|_| folder().is_some()) {
        // SAFETY: no other thread of the suite reads the environment.
        unsafe { env::remove_var(name) };
    }
}

#[resmon::test]
#[ignore = "hostile"]
fn sets_variables() {
    if let Some(folder) = folder() {
        let elsewhere = folder.join("elsewhere");
        for name in VARIABLES.iter().chain(&["RESMON_DISABLE"]) {
            // SAFETY: as above.
            unsafe { env::set_var(name, &elsewhere) };
        }
    }
}

#[test]
fn variables_are_read_once() {
    for test in ["environment::unsets_variables", "environment::sets_variables"] {
        in_both_modes(test, |case, run| {
            assert!(run.is_quiet(), "{}", run.stderr);
            let records = case.is_whole("passed", 0);
            assert_eq!(records.distinct("gh_sha"), [""]);
            assert_eq!(records.distinct("run_id").len(), 1);
            assert!(!case.folder.path().join("elsewhere").exists());
        });
    }
}
