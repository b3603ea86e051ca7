//! The start of a process that is detached from this one.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Starts the first of `programs` that can be started, with one argument. The environment is that of this process, with
/// `variables` changed (`None` removes one).
///
/// The new process has no stream, descriptor or terminal of this one, a session of its own, and another parent: a
/// `wait` of a test does not find it. On Linux its start sends no SIGCHLD. Returns when the program runs.
///
/// # Errors
///
/// The reason why none of the programs could be started.
pub(crate) fn detached(
    programs: &[PathBuf],
    argument: &str,
    variables: &[(&'static str, Option<OsString>)],
) -> io::Result<()> {
    if programs.is_empty() {
        return Err(io::Error::other("`cargo-resmon` is not installed"));
    }
    system::detached(programs, argument, variables)
}

#[cfg(unix)]
mod system {
    use std::env;
    use std::ffi::{CString, OsString, c_char, c_int};
    #[cfg(target_os = "linux")]
    use std::ffi::{c_long, c_ulong};
    use std::io;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::PathBuf;
    use std::ptr;

    use crate::sys::signal::Blocked;

    pub(super) fn detached(
        programs: &[PathBuf],
        argument: &str,
        variables: &[(&'static str, Option<OsString>)],
    ) -> io::Result<()> {
        // Allocate everything before the fork: after it, another thread may hold the allocator's lock for ever.
        let programs: Vec<CString> = programs
            .iter()
            .map(|program| CString::new(program.as_os_str().as_bytes()))
            .collect::<Result<_, _>>()?;
        let argument = CString::new(argument)?;
        let mut environment = Vec::new();
        for (name, value) in env::vars_os() {
            if variables.iter().all(|(other, _)| *other != name) {
                environment.push(entry(name, value)?);
            }
        }
        for (name, value) in variables {
            if let Some(value) = value {
                environment.push(entry(OsString::from(*name), value.clone())?);
            }
        }
        let mut pointers: Vec<_> = environment.iter().map(|entry| entry.as_ptr()).collect();
        pointers.push(ptr::null());

        let mut pipe = [0; 2];
        if pipe2(&mut pipe) != 0 {
            return Err(io::Error::last_os_error());
        }
        let [read, write] = pipe;
        // No signal handler of a test may run in the child.
        let blocked = Blocked::all();
        // SAFETY: the child calls only functions that are safe after a fork, and never returns.
        let child = unsafe { fork_silently() };
        if child == 0 {
            // SAFETY: this is the child of a fork.
            unsafe { in_child(write, &programs, &argument, &pointers) }
        }
        let forked = if child > 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        drop(blocked);
        // SAFETY: the descriptor is ours and is not used any more.
        unsafe { libc::close(write) };
        let result = forked.and_then(|()| {
            wait_for(child);
            read_error(read)
        });
        // SAFETY: as above.
        unsafe { libc::close(read) };
        result
    }

    fn entry(name: OsString, value: OsString) -> io::Result<CString> {
        let mut entry = name.into_vec();
        entry.push(b'=');
        entry.extend(value.into_vec());
        Ok(CString::new(entry)?)
    }

    /// Creates a pipe whose descriptors the program does not inherit. Returns 0 if it could.
    #[cfg(not(target_os = "macos"))]
    fn pipe2(pipe: &mut [c_int; 2]) -> c_int {
        // SAFETY: the pointer is to room for two descriptors.
        unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) }
    }

    /// Creates a pipe whose descriptors the program does not inherit. Returns 0 if it could.
    #[cfg(target_os = "macos")]
    fn pipe2(pipe: &mut [c_int; 2]) -> c_int {
        // SAFETY: the pointer is to room for two descriptors, and those are open after the first call.
        unsafe {
            let result = libc::pipe(pipe.as_mut_ptr());
            for descriptor in pipe {
                libc::fcntl(*descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
            result
        }
    }

    /// Forks a child whose end sends no signal to this process, and which a `wait` of a test does not find.
    ///
    /// # Safety
    ///
    /// The rules of `fork(2)`: the child may only call functions that are safe in a signal handler.
    #[cfg(target_os = "linux")]
    unsafe fn fork_silently() -> libc::pid_t {
        // Flags and stack, both 0: their order depends on the architecture. Without a signal number in the flags no
        // signal is sent.
        let (first, second) = (0 as c_ulong, 0 as c_ulong);
        let no = 0 as c_ulong;
        // SAFETY: without flags the call is a `fork`.
        let result: c_long = unsafe { libc::syscall(libc::SYS_clone, first, second, no, no, no) };
        libc::pid_t::try_from(result).unwrap_or(-1)
    }

    /// Forks a child.
    ///
    /// # Safety
    ///
    /// The rules of `fork(2)`: the child may only call functions that are safe in a signal handler.
    #[cfg(not(target_os = "linux"))]
    unsafe fn fork_silently() -> libc::pid_t {
        // SAFETY: the caller's promise.
        unsafe { libc::fork() }
    }

    /// Waits for the end of the child, which exits as soon as it has forked the new process.
    fn wait_for(child: libc::pid_t) {
        #[cfg(target_os = "linux")]
        let options = libc::__WALL;
        #[cfg(not(target_os = "linux"))]
        let options = 0;
        loop {
            // SAFETY: the child is ours, and no status is asked for.
            let waited = unsafe { libc::waitpid(child, ptr::null_mut(), options) };
            let error = io::Error::last_os_error();
            if waited >= 0 || error.kind() != io::ErrorKind::Interrupted {
                return;
            }
        }
    }

    /// Reads the error number that the new process writes if no program could be started. When a program runs, the pipe
    /// ends without one.
    fn read_error(read: c_int) -> io::Result<()> {
        let mut number: c_int = 0;
        let size = size_of::<c_int>();
        loop {
            // SAFETY: the pointer is to a number of our own of this size.
            let length = unsafe { libc::read(read, (&raw mut number).cast(), size) };
            match length {
                0 => return Ok(()),
                length if length == size.cast_signed() => {
                    return Err(io::Error::from_raw_os_error(number));
                }
                length if length < 0 => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// Forks once more, so that the program gets another parent, and runs it.
    ///
    /// # Safety
    ///
    /// To be called in a child of a fork only. `environment` ends in a null pointer.
    unsafe fn in_child(
        write: c_int,
        programs: &[CString],
        argument: &CString,
        environment: &[*const c_char],
    ) -> ! {
        // SAFETY: all these calls are safe in a signal handler, and their arguments are alive.
        unsafe {
            libc::setsid();
            if fork_silently() != 0 {
                libc::_exit(0);
            }
            let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            // Move the pipe out of the way of the streams.
            let write = libc::fcntl(write, libc::F_DUPFD_CLOEXEC, 3);
            for stream in 0..3 {
                if null >= 0 {
                    libc::dup2(null, stream);
                } else {
                    libc::close(stream);
                }
            }
            let write = libc::dup2(write, 3);
            libc::fcntl(write, libc::F_SETFD, libc::FD_CLOEXEC);
            close_from(4);
            for program in programs {
                let arguments = [program.as_ptr(), argument.as_ptr(), ptr::null()];
                libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
            }
            let number = errno();
            libc::write(write, (&raw const number).cast(), size_of::<c_int>());
            libc::_exit(127)
        }
    }

    /// Closes all descriptors from this one on.
    ///
    /// # Safety
    ///
    /// To be called in a child of a fork only, where nothing uses these descriptors any more.
    unsafe fn close_from(first: c_int) {
        #[cfg(target_os = "linux")]
        {
            let (first, last, flags) = (c_long::from(first), c_ulong::from(u32::MAX), 0 as c_long);
            // SAFETY: the caller's promise.
            if unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) } == 0 {
                return;
            }
        }
        // SAFETY: the call only reads a limit.
        let most = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) };
        for descriptor in first..c_int::try_from(most.clamp(256, 65_536)).unwrap_or(256) {
            // SAFETY: the caller's promise.
            unsafe { libc::close(descriptor) };
        }
    }

    fn errno() -> c_int {
        io::Error::last_os_error().raw_os_error().unwrap_or(0)
    }
}

#[cfg(windows)]
mod system {
    use std::ffi::OsString;
    use std::io;
    use std::os::windows::process::CommandExt;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS};

    pub(super) fn detached(
        programs: &[PathBuf],
        argument: &str,
        variables: &[(&'static str, Option<OsString>)],
    ) -> io::Result<()> {
        let mut result = Err(io::ErrorKind::NotFound.into());
        for program in programs {
            let mut command = Command::new(program);
            command.arg(argument).creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            for (name, value) in variables {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            result = command.spawn().map(drop);
            if result.is_ok() {
                break;
            }
        }
        result
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Runs a script in a detached shell. Returns its output.
    fn told(script: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (program, out) = (folder.path().join("program"), folder.path().join("out"));
        let body = format!("#!/bin/sh\n{{ {script}; }} > \"$OUT.new\"\nmv \"$OUT.new\" \"$OUT\"\n");
        std::fs::write(&program, body).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        let variables = [("OUT", Some(OsString::from(&out))), ("HOME", None)];
        let missing = folder.path().join("missing");
        detached(&[missing, program], "argument", &variables).unwrap();
        let start = Instant::now();
        while !out.exists() {
            assert!(start.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
        std::fs::read_to_string(out).unwrap()
    }

    #[test]
    fn the_new_process_is_nobodys() {
        let own = std::process::id().to_string();
        let text = told(
            "echo $1 $PPID; readlink /proc/self/fd/0 /proc/self/fd/2; ls /proc/self/fd; echo ${HOME-none}",
        );
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].starts_with("argument ") && !lines[0].ends_with(&format!(" {own}")),
            "{text}"
        );
        assert_eq!(lines[1..3], ["/dev/null", "/dev/null"]);
        // The descriptors of `ls`: the streams and the directory.
        assert_eq!(lines[3..lines.len() - 1], ["0", "1", "2", "3"]);
        assert_eq!(lines[lines.len() - 1], "none");
    }

    #[test]
    fn no_wait_meets_it_and_no_signal_comes() {
        let pending = || {
            let mut set = std::mem::MaybeUninit::uninit();
            // SAFETY: the pointer is to a set of our own, which the call fills in.
            unsafe {
                libc::sigpending(set.as_mut_ptr());
                libc::sigismember(set.as_ptr(), libc::SIGCHLD) == 1
            }
        };
        let _blocked = crate::sys::signal::Blocked::one(libc::SIGCHLD);
        told("echo here");
        assert!(cfg!(not(target_os = "linux")) || !pending());
        // SAFETY: no status is asked for.
        let waited = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
        assert_eq!(waited, -1, "a child is left");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let error = detached(&["/nowhere/at/all".into()], "", &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(detached(&[], "", &[]).is_err());
    }
}
