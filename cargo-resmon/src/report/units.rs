//! The formatting of figures for people. A no-break space separates a number from its unit.

use bytesize::ByteSize;

/// The placeholder for a missing figure.
pub(crate) const MISSING: &str = "–";

/// Replaces no-break spaces by plain ones, for text that is not wrapped any more.
pub(crate) fn with_spaces(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

/// Formats a duration: `42 µs`, `4.2 ms`, `820 ms`, `12.3 s`, `3 min 20 s`, `2 h 05 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds <= 0.0 {
        "0\u{a0}s".to_owned()
    } else if seconds < 0.000_999_5 {
        format!("{:.0}\u{a0}µs", (seconds * 1e6).max(1.0))
    } else if seconds < 0.009_95 {
        format!("{:.1}\u{a0}ms", seconds * 1e3)
    } else if seconds < 0.9995 {
        format!("{:.0}\u{a0}ms", seconds * 1e3)
    } else if seconds < 9.995 {
        format!("{seconds:.2}\u{a0}s")
    } else if seconds < 59.95 {
        format!("{seconds:.1}\u{a0}s")
    } else {
        let (minutes, rest) = whole_minutes(seconds);
        if minutes < 60 {
            format!("{minutes}\u{a0}min\u{a0}{rest:02}\u{a0}s")
        } else {
            format!("{}\u{a0}h\u{a0}{:02}\u{a0}min", minutes / 60, minutes % 60)
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn whole_minutes(seconds: f64) -> (i64, i64) {
    let seconds = seconds.round() as i64;
    (seconds / 60, seconds % 60)
}

/// Formats a size: `0 B`, `512 B`, `5.2 GiB`.
pub(crate) fn bytes(bytes: i64) -> String {
    let sign = if bytes < 0 { "−" } else { "" };
    let bytes = ByteSize::b(bytes.unsigned_abs()).display().iec().to_string();
    format!("{sign}{}", bytes.replace(".0 ", " ").replace(' ', "\u{a0}"))
}

/// Formats a size, which is never negative.
pub(crate) fn size(size: u64) -> String {
    bytes(i64::try_from(size).unwrap_or(i64::MAX))
}

/// Formats a difference of sizes, with its sign.
pub(crate) fn growth(difference: i64) -> String {
    if difference > 0 { format!("+{}", bytes(difference)) } else { bytes(difference) }
}

/// Formats a percentage: `34 %`, `0.4 %`.
pub(crate) fn percent(percent: f64) -> String {
    if percent > 0.0 && percent < 0.95 {
        format!("{percent:.1}\u{a0}%")
    } else {
        format!("{percent:.0}\u{a0}%")
    }
}

/// Formats a count with its noun: `20,000 tests`, `1 test`.
pub(crate) fn count(count: usize, noun: &str) -> String {
    let (noun, plural) = match (count, noun) {
        (1, _) => (noun, ""),
        (_, noun) if noun.ends_with('s') || noun.ends_with("sh") => (noun, "es"),
        (_, noun) => match noun.strip_suffix("ry") {
            Some(noun) => (noun, "ries"),
            None => (noun, "s"),
        },
    };
    format!("{}\u{a0}{noun}{plural}", number(count))
}

/// Formats an integer: `20,000`.
pub(crate) fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number of CPUs: `4`, `2.5`.
pub(crate) fn cpus(cpus: f64) -> String {
    if (cpus - cpus.round()).abs() < 0.05 { format!("{cpus:.0}") } else { format!("{cpus:.1}") }
}

/// Formats a number of CPUs with its noun: `1 CPU`, `2.5 CPUs`.
pub(crate) fn of_cpus(count: f64) -> String {
    let text = cpus(count);
    let plural = if text == "1" { "" } else { "s" };
    format!("{text}\u{a0}CPU{plural}")
}

/// Converts a number of bytes for a ratio.
#[allow(clippy::cast_precision_loss, reason = "a ratio needs no more than 52 bits")]
pub(crate) fn float(bytes: i64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_the_unit_that_fits() {
        let cases = [
            (0.0, "0 s"),
            (0.000_000_2, "1 µs"),
            (0.000_42, "420 µs"),
            (0.0042, "4.2 ms"),
            (0.009_96, "10 ms"),
            (0.82, "820 ms"),
            (0.9996, "1.00 s"),
            (12.34, "12.3 s"),
            (59.96, "1 min 00 s"),
            (200.4, "3 min 20 s"),
            (3_599.7, "1 h 00 min"),
            (7_500.0, "2 h 05 min"),
        ];
        for (value, text) in cases {
            assert_eq!(with_spaces(&seconds(value)), text);
        }
    }

    #[test]
    fn bytes_are_binary_and_keep_their_sign() {
        assert_eq!(with_spaces(&bytes(0)), "0 B");
        assert_eq!(with_spaces(&bytes(5 << 30)), "5 GiB");
        assert_eq!(with_spaces(&growth(3 << 19)), "+1.5 MiB");
        assert_eq!(with_spaces(&growth(-(3 << 19))), "−1.5 MiB");
        assert_eq!(with_spaces(&growth(0)), "0 B");
        assert!(bytes(i64::MIN).starts_with('−'));
    }

    #[test]
    fn counts_are_grouped_and_agree_with_their_noun() {
        assert_eq!(with_spaces(&count(1, "crash")), "1 crash");
        assert_eq!(with_spaces(&count(2, "crash")), "2 crashes");
        assert_eq!(with_spaces(&count(3, "test binary")), "3 test binaries");
        assert_eq!(with_spaces(&count(20_000, "test")), "20,000 tests");
        assert_eq!(number(1_234_567), "1,234,567");
    }
}
