//! The tests that the drivers run. All of them pass in an ordinary run, and none waits.

use std::{
    env,
    fs::{self, OpenOptions},
    hint::black_box,
    io::Write,
    net::TcpStream,
    process, ptr,
};

use crate::support::gate;

/// Number of tests in `suite::early::`.
pub(crate) const EARLY: usize = 10;

/// Tests that do nothing.
mod early {
    macro_rules! tests {
        ($($name:ident)*) => { $(
            #[resmon::test]
            fn $name() {}
        )* };
    }

    tests! { t0 t1 t2 t3 t4 t5 t6 t7 t8 t9 }
}

/// Tests that wait at a gate.
mod held {
    #[resmon::test]
    fn one() {
        super::gate::pass("SUITE_HELD");
    }

    #[resmon::test]
    fn two() {
        super::gate::pass("SUITE_HELD");
    }

    #[resmon::test]
    fn three() {
        super::gate::pass("SUITE_HELD");
    }
}

/// Tests that libtest runs after the others, because of the order of names.
mod late {
    /// Waits at a gate, then ends the process as `SUITE_DEATH` says.
    #[resmon::test]
    fn dies() {
        super::gate::pass("SUITE_LATE");
        if let Ok(death) = super::env::var("SUITE_DEATH") {
            super::die(&death);
        }
    }

    /// Waits at a gate. resmon does not measure it.
    #[test]
    fn plain() {
        super::gate::pass("SUITE_PLAIN");
    }
}

/// Opens `SUITE_GUARDS` guards one after another, and notes each in the file `SUITE_NOTES`. In the guard `SUITE_AT`,
/// the process dies as `SUITE_DEATH` says, or connects to `SUITE_CALL` and goes on.
#[test]
fn guards() {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let notes = env::var_os("SUITE_NOTES").map(|path| {
        OpenOptions::new().append(true).create(true).open(path).expect("the driver's folder")
    });
    let prefix = env::var("SUITE_PREFIX").unwrap_or_default();
    let mut caller = None;
    for index in 0..number("SUITE_GUARDS").unwrap_or(0) {
        let _guard = resmon::guard(format!("{prefix}g{index}"));
        if let Some(mut notes) = notes.as_ref() {
            notes.write_all(format!("g{index}\n").as_bytes()).expect("the driver's file");
        }
        if number("SUITE_AT") == Some(index) {
            if let Ok(death) = env::var("SUITE_DEATH") {
                die(&death);
            }
            caller = env::var("SUITE_CALL").ok().map(TcpStream::connect);
        }
    }
    assert!(!matches!(caller, Some(Err(_))), "nobody answers");
}

/// A marked test that libtest runs last.
mod very_last {
    #[resmon::test]
    fn one() {}
}

/// Opens `SUITE_OPEN` guards at once. Then the process dies as `SUITE_DEATH` says.
#[test]
fn open_at_once() {
    let Some(count) = env::var("SUITE_OPEN").ok().and_then(|count| count.parse::<usize>().ok())
    else {
        return;
    };
    let _guards: Vec<_> = (0..count).map(|index| resmon::guard(format!("o{index}"))).collect();
    die(&env::var("SUITE_DEATH").unwrap_or_default());
}

/// Opens `SUITE_FLOOD` guards as fast as possible, and prints how much the process has grown since the first.
#[test]
fn flood() {
    let Some(count) = env::var("SUITE_FLOOD").ok().and_then(|count| count.parse().ok()) else {
        return;
    };
    drop(resmon::guard("first"));
    let before = status("VmRSS:");
    for _ in 1..count {
        drop(resmon::guard("flood"));
    }
    println!("grown by {} KiB", status("VmHWM:").saturating_sub(before));
    gate::pass("SUITE_HELD");
}

/// Returns a figure of this process in KiB, from `proc_pid_status(5)`; 0 if it is missing.
fn status(name: &str) -> u64 {
    status_of("self", name)
}

/// Returns the same figure as [`status`] for another process.
pub(crate) fn status_of(process: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn die(how: &str) {
    match how {
        // SAFETY: the call only ends this process.
        "kill" => drop(unsafe { libc::kill(libc::getpid(), libc::SIGKILL) }),
        // SAFETY: none; the fault is wanted. No object of the program is touched.
        "fault" => unsafe { ptr::without_provenance_mut::<u8>(8).write_volatile(0) },
        "abort" => process::abort(),
        "overflow" => drop(black_box(deep(0))),
        "double panic" => {
            let _bomb = Bomb;
            panic!("as asked");
        }
        "exit" => process::exit(7),
        other => panic!("{other}?"),
    }
}

#[expect(unconditional_recursion, reason = "the stack is to overflow")]
fn deep(depth: u64) -> u64 {
    let frame = black_box([depth; 128]);
    deep(depth + 1) + frame[0]
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("as asked, again");
    }
}
