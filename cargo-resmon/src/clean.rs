//! Sanitizing of untrusted names, such as those of files and tests.

/// Replaces control characters, which could move the cursor, and those that change the direction of writing.
pub(crate) fn clean(name: &str) -> String {
    replace(name, is_odd)
}

/// Does the same to a text of several lines, which keeps its line feeds and tabs.
pub(crate) fn clean_lines(text: &str) -> String {
    replace(text, |c| is_odd(c) && !matches!(c, '\n' | '\t'))
}

fn replace(text: &str, is_odd: impl Fn(char) -> bool) -> String {
    text.chars().map(|c| if is_odd(c) { '\u{fffd}' } else { c }).collect()
}

fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::{clean, clean_lines};

    #[test]
    fn an_escape_sequence_loses_its_escape() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}");
        assert_eq!(clean_lines("a\u{9b}31mb\n\tc\r"), "a\u{fffd}31mb\n\tc\u{fffd}");
    }
}
