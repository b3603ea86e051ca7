//! Files of `/proc`: their text, and the numbers in it.

use std::ffi::CStr;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::ptr;

use resmon_record::spool;

/// The start of a file, at most `N - 1` bytes.
#[derive(Debug)]
pub(crate) struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// Takes the first `length` bytes of a buffer.
    pub(super) fn new(mut buffer: [u8; N], length: usize) -> Option<Self> {
        *buffer.get_mut(length.min(N - 1))? = 0;
        Some(Self(buffer))
    }

    /// Reads the start of a file.
    pub(crate) fn read(path: &str) -> Option<Self> {
        let mut buffer = [0; N];
        let file = File::open(path).ok()?;
        let length = file.read_at(&mut buffer, 0);
        spool::close(file);
        Self::new(buffer, length.ok()?)
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

/// Parses the numbers behind the first occurrence of `name`, with blanks before each. `None` if one is missing, or may
/// have been cut off by the end of the text.
///
/// Uses functions of the C library, which are optimized in the dev profile too.
pub(crate) fn numbers<const N: usize>(text: &CStr, name: &CStr) -> Option<[u64; N]> {
    // SAFETY: both are strings that end in NUL.
    let found = unsafe { libc::strstr(text.as_ptr(), name.as_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: `found` points to the name, so this is at most the text's NUL.
    let mut rest = unsafe { found.add(name.count_bytes()) };
    let mut numbers = [0; N];
    for number in &mut numbers {
        let mut end = ptr::null_mut();
        // SAFETY: `rest` is within the text, which ends in NUL, and `end` is set to a place within it.
        let next = unsafe {
            *number = libc::strtoull(rest, &raw mut end, 10);
            *end
        };
        if end == rest || next == 0 {
            return None;
        }
        rest = end;
    }
    Some(numbers)
}

/// Parses the number of KiB behind the first occurrence of `name`. Returns it in bytes.
pub(crate) fn kib(text: &CStr, name: &CStr) -> Option<u64> {
    let [kib] = numbers(text, name)?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_meminfo_is_read_by_its_name() {
        let meminfo =
            c"MemTotal:       24639796 kB\nMemFree: 1 kB\nMemAvailable:   23908216 kB\nBuff";
        assert_eq!(kib(meminfo, c"MemTotal:"), Some(24_639_796 * 1024));
        assert_eq!(kib(meminfo, c"\nMemAvailable:"), Some(23_908_216 * 1024));
        assert_eq!(kib(c"MemTotal: 1 kB\nMemFree: 1 kB\n", c"\nMemAvailable:"), None);
        // A line that the buffer cut off is not a number.
        assert_eq!(kib(c"MemTotal: 1 kB\nMemAvailable:   239", c"\nMemAvailable:"), None);
    }

    #[test]
    fn numbers_are_all_there_or_none_is() {
        assert_eq!(numbers(c"123 45 6\n", c""), Some([123, 45]));
        assert_eq!(numbers(c"cpu  1 2\n", c"cpu "), Some([1, 2]));
        assert_eq!(numbers::<3>(c"cpu  1 2\n", c"cpu "), None);
        assert_eq!(numbers::<2>(c"cpu  1 x\n", c"cpu "), None);
        assert_eq!(numbers::<1>(c"", c"cpu "), None);
    }

    #[test]
    fn a_text_is_cut_where_the_buffer_ends() {
        let text = |length| Text::new(*b"abcd", length).unwrap().as_c_str().to_owned();
        assert_eq!([text(2), text(4)], [c"ab".to_owned(), c"abc".to_owned()]);
        assert!(Text::<64>::read("/proc/self/nothing").is_none());
    }
}
