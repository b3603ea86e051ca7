//! Forked children that do not execute another program.

use std::{
    io::Read,
    net::{Shutdown, TcpStream},
};

use crate::{Case, Mode, crashed, folder, in_both_modes, support::Gate};

/// Runs `child` in a forked child and waits for its end.
fn forked(child: impl FnOnce()) {
    // SAFETY: the child has a copy of this thread only, which holds no lock here.
    let id = unsafe { libc::fork() };
    if id == 0 {
        child();
        // SAFETY: the call ends the child at once.
        unsafe { libc::_exit(9) };
    }
    let mut status = 0;
    // SAFETY: the child is ours, and `status` is a place for its status.
    let waited = unsafe { libc::waitpid(id, &raw mut status, 0) };
    assert!(waited == id && libc::WIFEXITED(status), "{status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 9);
}

#[resmon::test]
#[ignore = "hostile"]
fn forks() {
    if folder().is_some() {
        forked(|| {});
        // SAFETY: the exit handlers are under test.
        forked(|| unsafe { libc::exit(9) });
        forked(|| {
            resmon::measure("in the child", || ());
            // SAFETY: as above.
            unsafe { libc::exit(9) };
        });
    }
}

#[test]
fn children_that_leave_record_nothing() {
    in_both_modes("forks::forks", |case, _| {
        case.is_whole("passed", 0);
    });
}

/// Leaves a child that waits for the driver. Kills its own process if `dies`.
fn fork_on(dies: bool) {
    if folder().is_none() {
        return;
    }
    let Ok(gate) = std::env::var("HOSTILE_GATE") else { return };
    let mut gate = TcpStream::connect(gate).expect("the driver is there");
    // SAFETY: as above.
    if unsafe { libc::fork() } == 0 {
        // SAFETY: the child does not use these descriptors, and the driver reads both pipes to their end.
        unsafe { [libc::close(1), libc::close(2)] };
        let _ = gate.read(&mut [0]);
        // SAFETY: the exit handlers are under test.
        unsafe { libc::exit(9) };
    }
    if dies {
        // SAFETY: the call ends this process.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
}

#[resmon::test]
#[ignore = "hostile"]
fn leaves_a_child() {
    fork_on(false);
}

#[resmon::test]
#[ignore = "hostile"]
fn dies_and_leaves_a_child() {
    fork_on(true);
}

/// Lets the child go on and waits for its end.
fn release(mut child: TcpStream) {
    child.shutdown(Shutdown::Write).expect("the child waits");
    let _ = child.read(&mut [0]);
}

#[test]
fn a_child_that_runs_on_adds_nothing_to_the_session() {
    for mode in Mode::ALL {
        let (case, gate) = (Case::new("forks::leaves_a_child", mode), Gate::closed());
        let run = case.hostile("").env("HOSTILE_GATE", gate.address()).start();
        let child = gate.wait_for(1).remove(0);
        run.finish().exits(0);
        case.is_whole("passed", 0);
        release(child);
        case.is_whole("passed", 0);
    }
}

#[test]
fn a_child_that_runs_on_does_not_make_its_dead_parent_look_alive() {
    for mode in Mode::ALL {
        let (case, gate) = (Case::new("forks::dies_and_leaves_a_child", mode), Gate::closed());
        let run = case.hostile("").env("HOSTILE_GATE", gate.address()).start();
        let child = gate.wait_for(1).remove(0);
        assert_eq!(run.finish().code, None);
        let records = case.recovered();
        assert_eq!(records.events(), ["session_start", "test", "session_end"], "{mode:?}");
        crashed(&records, case.test);
        assert_eq!(records.end().int("exit_status"), -1);
        release(child);
        // The records include the session that recovered the others.
        assert!(case.records().events().len() >= 3 + 3, "{mode:?}");
        assert_eq!(case.records().of_test(case.test).len(), 1, "{mode:?}");
        assert_eq!(case.left(), [""; 0], "{mode:?}");
    }
}
