//! Search in bytes, on Unix by `memmem(3)`. The standard library's search for text is large and slow in the dev
//! profile, and would be in every test binary.

/// Returns the offset of the first `word` in `text`.
#[must_use]
pub fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    #[cfg(unix)]
    {
        // SAFETY: the lengths are those of the slices, which the call only reads.
        let found = unsafe {
            libc::memmem(text.as_ptr().cast(), text.len(), word.as_ptr().cast(), word.len())
        };
        (!found.is_null()).then(|| found.addr() - text.as_ptr().addr())
    }
    #[cfg(not(unix))]
    (0..=text.len().checked_sub(word.len())?).find(|&start| text[start..].starts_with(word))
}

/// Whether `text` contains `word`.
#[must_use]
pub fn contains(text: &str, word: &str) -> bool {
    find(text.as_bytes(), word.as_bytes()).is_some()
}

/// Counts the line feeds.
#[must_use]
pub fn count_lines(text: &[u8]) -> u64 {
    let (mut rest, mut lines) = (text, 0);
    while let Some(place) = find(rest, b"\n") {
        rest = &rest[place + 1..];
        lines += 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_where_it_first_stands() {
        assert_eq!(find(b"one two two", b"two"), Some(4));
        assert_eq!(find(b"one", b"two"), None);
        assert_eq!(find(b"on", b"one"), None);
        assert_eq!(find(b"one", b""), Some(0));
        assert_eq!([&b""[..], b"a", b"a\n\nb\n"].map(count_lines), [0, 0, 3]);
        assert!(contains("ein zwei", "n z") && !contains("", "x"));
    }
}
