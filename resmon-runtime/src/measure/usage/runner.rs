//! The way in which the runner runs tests in this process.

use std::env;

/// The known behavior of the runner, for all tests, with or without a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// The process runs one test, and no other before or after it.
    OneTest,
    /// Every test of the process is known to resmon.
    AllKnown,
    /// At most one test is open at a time.
    OneAtATime,
    /// Several tests may be open at a time.
    Several,
}

impl Runner {
    /// Finds out the behavior in this process. `are_tests_known` if every test has a guard.
    pub(super) fn of_this_process(are_tests_known: bool) -> Self {
        if are_tests_known {
            // The number of open guards shows whether a test is alone.
            return Self::AllKnown;
        }
        // Lossy: a harness other than libtest may take arguments that are not text.
        let arguments: Vec<String> = env::args_os()
            .skip(1)
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        Self::of(&arguments, |name| env::var(name).unwrap_or_default())
    }

    fn of(arguments: &[String], variable: impl Fn(&str) -> String) -> Self {
        // The variable alone is not enough: the processes that a test starts inherit it.
        if variable("NEXTEST_EXECUTION_MODE") == "process-per-test"
            && arguments.iter().any(|argument| argument == "--exact")
        {
            return Self::OneTest;
        }
        let threads = threads(arguments).unwrap_or_else(|| variable("RUST_TEST_THREADS"));
        if threads.trim() == "1" { Self::OneAtATime } else { Self::Several }
    }
}

/// Returns the last `--test-threads` of libtest's arguments.
fn threads(arguments: &[String]) -> Option<String> {
    let mut given = None;
    let mut arguments = arguments.iter().peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--test-threads" {
            given = arguments.peek().map(ToString::to_string);
        } else if let Some(number) = argument.strip_prefix("--test-threads=") {
            given = Some(number.to_owned());
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_last_number_of_threads_counts() {
        let read = |line: &str| threads(&arguments(line));
        assert_eq!(read("--exact a::b"), None);
        assert_eq!(read("--test-threads=1 a").as_deref(), Some("1"));
        assert_eq!(read("--test-threads 1 --test-threads=4").as_deref(), Some("4"));
        assert_eq!(read("--test-threads"), None);
    }

    #[test]
    fn what_a_test_under_nextest_runs_itself_is_not_under_nextest() {
        let nextest = |name: &str| match name {
            "NEXTEST_EXECUTION_MODE" => "process-per-test".to_owned(),
            _ => String::new(),
        };
        let of = |line| Runner::of(&arguments(line), nextest);
        assert_eq!(of("--exact a::b --nocapture"), Runner::OneTest);
        assert_eq!(of("a::b"), Runner::Several);
        assert_eq!(of("--test-threads=1"), Runner::OneAtATime);
    }

    #[test]
    fn the_environment_counts_where_no_argument_does() {
        let one =
            |name: &str| if name == "RUST_TEST_THREADS" { "1".to_owned() } else { String::new() };
        assert_eq!(Runner::of(&[], one), Runner::OneAtATime);
        assert_eq!(Runner::of(&arguments("--test-threads=2"), one), Runner::Several);
        assert_eq!(Runner::of(&[], |_| String::new()), Runner::Several);
    }
}
