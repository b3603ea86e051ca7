//! Threads and descriptors of a process that a test of it can see.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Guest, Mode};

/// Threads and descriptors of a process of the fixture.
struct Process {
    /// Names of the threads.
    threads: Vec<String>,
    /// Kind of each descriptor: `pipe`, `socket` or a path.
    descriptors: BTreeMap<u32, String>,
}

impl Process {
    /// Runs a program, and returns the report that its marked test writes after the session's start has been delivered.
    fn of(name: &str, arguments: &[&str], mode: Mode) -> Self {
        let guest = Guest::new(mode);
        let run = guest.run(name).args(arguments).env("GUEST_DOES", "report");
        let run = guest.start(run).finish().exits(0);
        assert!(run.is_quiet(), "{}", run.stderr);
        guest.assert_recorded();
        let mut process = Self { threads: Vec::new(), descriptors: BTreeMap::new() };
        for line in guest.report().lines() {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().expect("a word").to_owned();
            if word() == "thread" {
                process.threads.push(word());
                continue;
            }
            let number = word().parse().expect("a number");
            let what = word();
            // Digits differ from run to run: the number of a pipe, and the process id in a path.
            let kind = what.split([':', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).next();
            process.descriptors.insert(number, kind.unwrap_or_default().to_owned());
        }
        process
    }
}

#[test]
fn a_session_has_one_thread_at_most() {
    let bare = Process::of("counts", &[], Mode::Off);
    for mode in [Mode::File, Mode::Tinybird] {
        let process = Process::of("counts", &[], mode);
        let most = bare.threads.len() + 1;
        assert!(process.threads.len() <= most, "{mode:?}: {:?}", process.threads);
    }
}

#[test]
fn a_harness_of_one_thread_stays_one() {
    let bare = Process::of("alone", &[], Mode::Off);
    assert_eq!(bare.threads.len(), 1, "{:?}", bare.threads);
    for mode in [Mode::File, Mode::Tinybird] {
        let process = Process::of("alone", &[], mode);
        assert_eq!(process.threads, bare.threads, "{mode:?}");
    }
}

#[test]
fn a_harness_of_one_thread_can_enter_a_user_namespace() {
    let enters = |mode| {
        let guest = Guest::new(mode);
        let run = guest.run("alone").env("GUEST_DOES", "unshare");
        guest.start(run).finish().exits(0);
        (guest.report(), guest)
    };
    let (bare, _) = enters(Mode::Off);
    if bare != "done" {
        println!("skipped: no process here can enter a user namespace: {bare}");
        return;
    }
    for mode in [Mode::File, Mode::Tinybird] {
        let (with, guest) = enters(mode);
        assert_eq!(with, "done", "{mode:?}");
        guest.assert_recorded();
    }
}

#[test]
fn descriptors_below_64_are_those_of_a_run_without_resmon() {
    for (name, arguments) in [("counts", &["--exact", "counts"][..]), ("alone", &[])] {
        let low = |mode| {
            let all = Process::of(name, arguments, mode).descriptors;
            all.into_iter().filter(|(number, _)| *number < 64).collect::<BTreeMap<_, _>>()
        };
        let bare = low(Mode::Off);
        for mode in [Mode::File, Mode::Tinybird] {
            assert_eq!(low(mode), bare, "{name}, {mode:?}");
        }
    }
}

#[test]
fn a_test_process_has_no_socket() {
    let sockets = |mode| -> BTreeSet<u32> {
        let all = Process::of("counts", &[], mode).descriptors;
        all.into_iter().filter(|(_, what)| what == "socket").map(|(number, _)| number).collect()
    };
    assert_eq!(sockets(Mode::Tinybird), sockets(Mode::Off));
}
