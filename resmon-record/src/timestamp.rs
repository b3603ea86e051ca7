//! Timestamps in the format of the table.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::digits::PAIRS;

/// A moment of the wall clock in milliseconds since 1970, written in UTC as `2026-11-22T21:15:47.123+00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Returns the current time.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl Timestamp {
    /// Returns the timestamp in the format of RFC 3339.
    #[must_use]
    pub fn text(self) -> String {
        self.rfc3339().map(char::from).iter().collect()
    }
}

impl From<SystemTime> for Timestamp {
    /// Converts a time. A clock before 1970 reads as 1970, and one after the year 9999 as the last moment of that year.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(253_402_300_799_999))
    }
}

impl Timestamp {
    /// Returns the timestamp in the format of RFC 3339, as ASCII.
    #[must_use]
    pub fn rfc3339(self) -> [u8; 29] {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let mut text = *b"0000-00-00T00:00:00.000+00:00";
        // Digits in pairs and no iterators: this runs for each test, in the dev profile.
        let mut put = |place: usize, number: u64| {
            [text[place], text[place + 1]] = PAIRS[(number % 100) as usize];
        };
        put(0, year / 100);
        put(2, year);
        put(5, month);
        put(8, day);
        put(11, hour);
        put(14, minute);
        put(17, second);
        put(20, millis / 10);
        text[22] = b'0' + (millis % 10) as u8;
        text
    }
}

/// Converts a day, counted from 1970-01-01, to year, month and day, by Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>). A calendar crate would be most of this crate's build time.
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
            assert_eq!(Timestamp(millis.unsigned_abs()).rfc3339(), expected.as_bytes());
        }
    }

    #[test]
    fn a_clock_before_1970_reads_as_1970() {
        let before = UNIX_EPOCH - std::time::Duration::from_secs(5);
        assert_eq!(&Timestamp::from(before).rfc3339(), b"1970-01-01T00:00:00.000+00:00");
    }
}
