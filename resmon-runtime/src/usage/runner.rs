//! What the way in which the tests are run says of them.

use std::env;

/// Whether whoever runs the tests has at most one of them open at a time, be it instrumented or not.
pub(super) fn runs_one_at_a_time() -> bool {
    let text = |name| env::var(name).unwrap_or_default();
    let given = given(env::args().skip(1));
    text("NEXTEST_EXECUTION_MODE") == "process-per-test"
        || given.unwrap_or_else(|| text("RUST_TEST_THREADS")).trim() == "1"
}

/// The last `--test-threads` of libtest's arguments.
fn given(arguments: impl Iterator<Item = String>) -> Option<String> {
    let mut given = None;
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--test-threads" {
            given = arguments.peek().cloned();
        } else if let Some(number) = argument.strip_prefix("--test-threads=") {
            given = Some(number.to_owned());
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_of_threads_counts() {
        let read = |line: &str| given(line.split(' ').map(str::to_owned));
        assert_eq!(read("--exact a::b"), None);
        assert_eq!(read("--test-threads=1 a").as_deref(), Some("1"));
        assert_eq!(read("--test-threads 1 --test-threads=4").as_deref(), Some("4"));
        assert_eq!(read("--test-threads"), None);
    }
}
