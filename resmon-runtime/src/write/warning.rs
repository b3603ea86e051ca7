//! Warnings to the person who runs the tests.

use std::fmt;

/// Writes one line to stderr directly: libtest captures `eprintln!` and drops it when the test passes. In one write, so
/// that lines of several threads do not mix. A closed stderr is ignored.
pub(crate) fn warn(message: impl fmt::Display) {
    stderr::write(format!("resmon: warning: {message}\n").as_bytes());
}

/// A number of records, in words.
pub(crate) struct Records(pub(crate) u64);

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} record{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// Notes the file behind stderr, before a test can replace it.
pub(crate) fn note_stderr() {
    stderr::note();
}

#[cfg(unix)]
mod stderr {
    use std::sync::OnceLock;

    use libc::{STDERR_FILENO, c_int};

    use crate::sys::descriptor::{Identity, identity};
    use crate::sys::signal;

    /// The file behind stderr at the start.
    static STDERR: OnceLock<Option<Identity>> = OnceLock::new();
    /// The number of bytes that a pipe with any room takes at once.
    const PIECE: usize = 4096;
    /// How long a reader may take to make room, in milliseconds.
    const PATIENCE: c_int = 100;

    pub(super) fn note() {
        let _ = STDERR.set(identity(STDERR_FILENO));
    }

    /// Writes as much as the reader takes. Writes nothing if a test has replaced stderr by another file.
    pub(super) fn write(text: &[u8]) {
        let known = STDERR.get().copied().flatten();
        if known.is_none() || identity(STDERR_FILENO) != known {
            return;
        }
        // Rust ignores SIGPIPE. A test may have changed that, and then the signal would kill the process.
        signal::without(libc::SIGPIPE, || {
            signal::without(libc::SIGXFSZ, || {
                let _ = text.chunks(PIECE).all(write_piece);
            });
        });
    }

    fn write_piece(piece: &[u8]) -> bool {
        let mut stderr = libc::pollfd { fd: STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
        // SAFETY: the pointers are to values of our own, of the lengths given.
        unsafe {
            libc::poll(&raw mut stderr, 1, PATIENCE) == 1
                && libc::write(STDERR_FILENO, piece.as_ptr().cast(), piece.len()) > 0
        }
    }
}

#[cfg(not(unix))]
mod stderr {
    use std::io::{self, Write};

    pub(super) fn note() {}

    pub(super) fn write(text: &[u8]) {
        let _ = io::stderr().write_all(text);
    }
}
