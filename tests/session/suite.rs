//! The tests that the drivers run. All of them pass in an ordinary run, and none waits.

use std::{env, process};

use crate::support::gate;

/// Number of tests in `suite::many::`.
pub(crate) const MANY: usize = 60;

/// Many empty tests.
mod many {
    macro_rules! ten_each {
        ($($module:ident)*) => { $(
            mod $module {
                ten_each! { : t0 t1 t2 t3 t4 t5 t6 t7 t8 t9 }
            }
        )* };
        (: $($name:ident)*) => { $(
            #[resmon::test]
            fn $name() {}
        )* };
    }

    ten_each! { a b c d e f }
}

/// Two tests that wait at one gate at the same time.
mod pair {
    #[resmon::test]
    fn left() {
        super::gate::pass("SUITE_GATE");
    }

    #[resmon::test]
    fn right() {
        super::gate::pass("SUITE_GATE");
    }
}

/// A test that exits the process while another runs.
mod leaving {
    #[resmon::test]
    fn leaves() {
        super::gate::pass("SUITE_LEAVE");
        if super::env::var_os("SUITE_LEAVE").is_some() {
            super::process::exit(3);
        }
    }

    #[resmon::test]
    fn stays() {
        super::gate::pass("SUITE_STAY");
    }
}

/// A plain test that waits, a marked test, and a marked test that waits, in libtest's order.
mod order {
    #[test]
    fn a_plain() {
        super::gate::pass("SUITE_FIRST");
    }

    #[resmon::test]
    fn b_instrumented() {}

    #[resmon::test]
    fn c_waits() {
        super::gate::pass("SUITE_GATE");
    }
}

/// Fails if `SUITE_FAILS` is set.
#[resmon::test]
fn fails() {
    assert!(env::var_os("SUITE_FAILS").is_none(), "as asked");
}

/// Tests that change the working directory and the environment, if a driver asks for it.
mod changes {
    #[resmon::test]
    fn a_folder() {
        if let Some(folder) = super::env::var_os("SUITE_CHDIR") {
            super::env::set_current_dir(folder).expect("the driver made it");
        }
    }

    #[resmon::test]
    fn b_environment() {
        if let Some(file) = super::env::var_os("SUITE_SET_VAR") {
            // SAFETY: the driver runs one test at a time.
            unsafe {
                super::env::set_var("RESMON_FILE", file);
                super::env::set_var("RESMON_DISABLE", "1");
                super::env::set_var("RESMON_RUN_ID", "changed");
                super::env::set_var("GITHUB_SHA", "changed");
            }
        }
    }

    #[resmon::test]
    fn c_after() {}
}

/// Forks a child that exits through its exit handlers, if `SUITE_FORKS` is set.
#[cfg(unix)]
#[resmon::test]
fn forks() {
    if env::var_os("SUITE_FORKS").is_some() {
        assert_eq!(crate::support::fork::child_exits(9), 9);
    }
}

/// Starts a thread that panics, if `SUITE_THREAD` is set. The test passes all the same.
#[resmon::test]
fn panics_in_another_thread() {
    if env::var_os("SUITE_THREAD").is_some() {
        let died = std::thread::spawn(|| panic!("as asked")).join();
        assert!(died.is_err());
    }
}
