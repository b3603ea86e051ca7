//! Measured parts of a test.

use crate::{MIB, records, support::Records};

fn alone(filter: &str) -> Records {
    records(filter, |run| run.args(["--exact", "--test-threads=1"]))
}

/// Returns how far the peak is above the memory at the start.
fn peak(records: &Records, name: &str) -> i64 {
    let test = records.test(name);
    test.int("rss_peak") - test.int("rss_before")
}

#[test]
fn a_part_does_not_spoil_the_peak_of_the_whole() {
    let tolerance = 256 * MIB / 20;
    let records = alone("suite::parts::outer");
    assert!((peak(&records, "suite::parts::outer") - 256 * MIB).abs() <= tolerance);
    for part in ["before it", "after it"] {
        assert!(peak(&records, part) <= tolerance, "{part}");
    }
    let records = alone("suite::parts::around");
    assert!((peak(&records, "suite::parts::around") - 256 * MIB).abs() <= tolerance);
}

#[test]
fn parts_that_overlap_outside_of_a_test_count_as_one() {
    let records = alone("suite::parts::chain");
    for name in ["first", "second", "third"] {
        let part = records.test(name);
        assert_eq!((part.int("concurrent_tests"), part.text("cpu_scope")), (1, "process"));
    }
}
