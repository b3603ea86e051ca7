//! Standard streams that cannot be written to, while resmon has warnings.

use std::{fs::File, io::Write, os::unix::fs::OpenOptionsExt};

use crate::{
    Case, Mode, after, assert_same, folder, in_shell,
    support::{Answer, Server},
};

#[resmon::test]
#[ignore = "hostile"]
fn does_nothing() {}

#[test]
fn closed_streams_are_no_matter() {
    after("exec <&- >&- 2>&-;", "streams::does_nothing", |case, _| {
        case.is_whole("passed", 0);
    });
}

/// Runs the test after these commands, with and without resmon, in a configuration that gives a warning.
fn warned(prefix: &str, test: &'static str) {
    for mode in Mode::ALL {
        let bare = Case::new(test, mode);
        let bare = in_shell(prefix, test).env("HOSTILE", bare.folder.path()).finish();
        let case = Case { server: Server::always(Answer::status(400)), ..Case::new(test, mode) };
        let run = case.hostile(prefix);
        let run = match mode {
            Mode::File => run.env("RESMON_FILE", "/dev/full"),
            Mode::Tinybird | Mode::ProcessPerTest => run,
        };
        let run = run.finish();
        assert_same(&run, &bare);
        assert_eq!(run.code, Some(0), "{mode:?}");
    }
}

#[test]
fn a_warning_to_closed_streams_is_no_matter() {
    warned("exec <&- >&- 2>&-;", "streams::does_nothing");
}

/// Fills the pipe of stderr.
#[resmon::test]
#[ignore = "hostile"]
fn fills_stderr() {
    if let Some(folder) = folder() {
        // The pipe is opened again, so that stderr itself stays blocking.
        let mut options = File::options();
        let pipe = options.write(true).custom_flags(libc::O_NONBLOCK).open(folder.join("pipe"));
        let mut pipe = pipe.expect("the shell made it");
        while pipe.write(b"x").is_ok() {}
    }
}

#[test]
fn a_warning_does_not_wait_for_a_reader() {
    let prefix = "mkfifo \"$HOSTILE/pipe\"; exec 2<> \"$HOSTILE/pipe\";";
    warned(prefix, "streams::fills_stderr");
}

/// Restores the default action of SIGPIPE, as Unix filters do.
#[resmon::test]
#[ignore = "hostile"]
fn dies_of_sigpipe() {
    if folder().is_some() {
        // SAFETY: the default action runs no code of this program.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
}

#[test]
fn a_warning_that_nobody_can_read_does_not_kill() {
    // The reader of stderr is gone before the test begins.
    let prefix = "mkfifo \"$HOSTILE/pipe\"; : < \"$HOSTILE/pipe\" & \
                  exec 2> \"$HOSTILE/pipe\"; wait;";
    warned(prefix, "streams::dies_of_sigpipe");
}
