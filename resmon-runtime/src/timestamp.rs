//! Points in time as the table wants them.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment of the wall clock in milliseconds since 1970, shown as RFC 3339 in UTC:
/// `2026-11-22T21:15:47.123+00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp(u64);

impl Timestamp {
    pub(crate) fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for Timestamp {
    /// A clock that stands before 1970 reads as 1970.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}+00:00"
        )
    }
}

/// The Gregorian date of a day counted from 1970-01-01, by Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>): a calendar crate would be most of this
/// crate's build time without HTTP.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_calendar_library_on_every_day_until_2200() {
        for day in 0..84_000_i64 {
            let millis = day * 86_400_000 + (day * 7_919_993) % 86_400_000;
            let expected = jiff::Timestamp::from_millisecond(millis).unwrap();
            let expected = expected.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string();
            assert_eq!(Timestamp(millis.unsigned_abs()).to_string(), expected);
        }
    }

    #[test]
    fn a_clock_before_1970_reads_as_1970() {
        let before = UNIX_EPOCH - std::time::Duration::from_secs(5);
        assert_eq!(Timestamp::from(before).to_string(), "1970-01-01T00:00:00.000+00:00");
    }
}
