//! Shortening of names for one line.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub(crate) use crate::clean::clean;

/// Returns the width of a text in columns.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Cuts out the middle of a text that is wider than `columns`. The end gets two thirds, as it says more than the
/// beginning.
pub(crate) fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    let head = fitting(graphemes.iter().copied(), room / 3);
    let used: usize = graphemes[..head].iter().map(|grapheme| width(grapheme)).sum();
    let tail = fitting(graphemes[head..].iter().rev().copied(), room - used);
    format!("{}…{}", graphemes[..head].concat(), graphemes[graphemes.len() - tail..].concat())
}

/// Returns the number of graphemes that fit in the columns.
fn fitting<'a>(graphemes: impl Iterator<Item = &'a str>, columns: usize) -> usize {
    let mut left = columns;
    graphemes
        .take_while(|grapheme| {
            let fits = width(grapheme) <= left;
            left = left.saturating_sub(width(grapheme));
            fits
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::{shorten, width};

    #[test]
    fn the_middle_is_left_out() {
        assert_eq!(shorten("tests/api.rs::creates", 21), "tests/api.rs::creates");
        assert_eq!(shorten("tests/api.rs::creates", 13), "test…:creates");
        assert_eq!(shorten("tests/api.rs::creates", 1), "…");
        assert_eq!(shorten("tests/api.rs::creates", 0), "");
    }

    #[test]
    fn wide_characters_count_as_two_columns() {
        let name = "src/lib.rs::テスト::日本語の名前";
        for columns in 0..=width(name) {
            let short = shorten(name, columns);
            assert!(width(&short) <= columns, "{short} in {columns}");
            assert!(width(&short) + 2 >= columns, "{short} in {columns}");
        }
    }
}
