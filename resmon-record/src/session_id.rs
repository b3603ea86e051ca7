//! The ids of sessions.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns 64 random bits. Uses the standard library's hash maps, which are seeded from the system's random source.
#[must_use]
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Creates a session id of 28 hexadecimal digits: the start time in milliseconds, then 64 random bits. Ids sort by age.
/// The first random bit is set, so that the id of [`kept_id`](crate::spool::kept_id) sorts before it.
#[must_use]
pub fn new(started: SystemTime) -> String {
    let millis = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("{millis:012x}{:016x}", random() | 1 << 63)
}

/// Whether `text` has the form of a session id.
#[must_use]
pub fn is_session_id(text: &str) -> bool {
    is_hex(text, 28)
}

/// Whether `text` consists of `length` hexadecimal digits.
#[must_use]
pub fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_differ_and_sort_by_age() {
        let early = UNIX_EPOCH + std::time::Duration::from_secs(1);
        let late = SystemTime::now();
        assert_ne!(new(late), new(late));
        assert!(new(early) < new(late));
        assert!(is_session_id(&new(late)));
    }
}
