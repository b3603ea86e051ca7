//! The standard error stream. A test may have replaced it, and a reader may be slow.

use std::sync::OnceLock;

use libc::{STDERR_FILENO, c_int};

use super::descriptor::{Identity, identity};
use super::signal;

/// The file behind stderr at the start.
static STDERR: OnceLock<Option<Identity>> = OnceLock::new();
/// The number of bytes that a pipe with any room takes at once.
const PIECE: usize = 4096;
/// How long a reader may take to make room, in milliseconds.
const PATIENCE: c_int = 100;

/// Notes the file behind stderr, before a test can replace it.
pub(crate) fn note() {
    let _ = STDERR.set(identity(STDERR_FILENO));
}

/// Writes as much as the reader takes. Writes nothing if a test has replaced stderr by another file.
pub(crate) fn write(text: &[u8]) {
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
