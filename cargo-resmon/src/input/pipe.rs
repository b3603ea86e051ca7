//! Named pipes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Wait this long for the first byte. Without a writer, reading would never end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a named pipe once something is in it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let pipe = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let until = Instant::now() + PATIENCE;
    while !is_readable(&pipe, until.saturating_duration_since(Instant::now()))? {
        if Instant::now() >= until {
            return Err(io::Error::other(format!(
                "it is a named pipe, and for {} s nobody wrote to it: start its writer first, or pipe the records to `-`",
                PATIENCE.as_secs()
            )));
        }
    }
    // SAFETY: both calls only change the flags of a descriptor of our own.
    let set = unsafe {
        let flags = libc::fcntl(pipe.as_raw_fd(), libc::F_GETFL);
        libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, flags & !libc::O_NONBLOCK)
    };
    if set == -1 { Err(io::Error::last_os_error()) } else { Ok(pipe) }
}

/// Waits for a byte, or for the end of the last writer.
fn is_readable(pipe: &File, patience: Duration) -> io::Result<bool> {
    let mut one = libc::pollfd { fd: pipe.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let patience = libc::c_int::try_from(patience.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the pointer is to one value of our own.
    match unsafe { libc::poll(&raw mut one, 1, patience) } {
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
        ready => Ok(ready > 0),
    }
}
