//! `--heap` counts the allocations of each test.

use crate::{Suite, notes};

#[test]
fn allocations_are_counted_without_a_change() {
    let suite = Suite::new();
    let arguments = ["--heap", "--package=outcomes", "--lib", "allocates"];
    suite.test(&arguments).finish().exits(0);
    let records = suite.records();
    let test = records.test("tests::allocates");
    assert_eq!((test.int("alloc_count"), test.int("alloc_bytes")), (1, 1 << 20));
    assert!((1 << 20..1 << 21).contains(&test.int("alloc_peak_bytes")));
    // A run without the flag uses another build, in which nothing is counted.
    let suite = Suite::new();
    suite.test(&["--package=outcomes", "--lib", "allocates"]).finish().exits(0);
    assert!(!suite.records().test("tests::allocates").has("alloc_count"));
}

#[test]
fn a_binary_with_an_allocator_of_its_own_is_measured_without() {
    for _ in 0..2 {
        let suite = Suite::new();
        let run =
            suite.resmon(&["--heap", "test", "--offline", "--package=own-allocator", "--lib"]);
        let run = run.finish().exits(0);
        let records = suite.records();
        assert!(records.test("tests::allocates").has("cpu_user_s"));
        assert!(!records.test("tests::allocates").has("alloc_count"));
        assert_eq!(
            notes(&run),
            ["Heap not counted: own-allocator (lib): it has a global allocator of its own"]
        );
    }
}
