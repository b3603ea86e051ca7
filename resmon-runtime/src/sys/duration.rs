//! Conversion of CPU times from the formats of systems other than Linux.

use std::time::Duration;

/// Converts the two halves of a `FILETIME` of Windows, which counts units of 100 nanoseconds.
#[cfg(any(windows, test))]
pub(crate) fn of_filetime(high: u32, low: u32) -> Duration {
    const PER_SECOND: u64 = 10_000_000;
    let units = u64::from(high) << 32 | u64::from(low);
    Duration::from_secs(units / PER_SECOND) + Duration::from_nanos(units % PER_SECOND * 100)
}

/// Converts a `time_value_t` of Mach. `None` if a part is negative.
#[cfg(any(target_os = "macos", test))]
pub(crate) fn of_time_value(seconds: i32, microseconds: i32) -> Option<Duration> {
    let (seconds, micros) = (u64::try_from(seconds).ok()?, u64::try_from(microseconds).ok()?);
    Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filetime_counts_units_of_100_nanoseconds() {
        assert_eq!(of_filetime(0, 0), Duration::ZERO);
        assert_eq!(of_filetime(0, 1), Duration::from_nanos(100));
        // The usual length of a tick of the clock.
        assert_eq!(of_filetime(0, 156_250), Duration::from_micros(15_625));
        assert_eq!(of_filetime(0, u32::MAX), Duration::new(429, 496_729_500));
        assert_eq!(of_filetime(1, 0), Duration::new(429, 496_729_600));
        assert_eq!(of_filetime(2, 10_000_000), Duration::new(859, 993_459_200));
        assert_eq!(of_filetime(u32::MAX, u32::MAX), Duration::new(1_844_674_407_370, 955_161_500));
    }

    #[test]
    fn a_time_value_has_seconds_and_microseconds() {
        assert_eq!(of_time_value(0, 0), Some(Duration::ZERO));
        assert_eq!(of_time_value(3, 25), Some(Duration::new(3, 25_000)));
        assert_eq!(
            of_time_value(i32::MAX, 999_999),
            Some(Duration::new(2_147_483_647, 999_999_000))
        );
        assert_eq!(of_time_value(-1, 0), None);
        assert_eq!(of_time_value(0, -1), None);
    }
}
