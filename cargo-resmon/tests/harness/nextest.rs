//! `cargo resmon nextest run --instrument`.

use crate::{Suite, support::has_nextest, tests};

#[test]
fn tests_are_measured_from_inside_and_from_outside() {
    if !has_nextest() {
        return;
    }
    let arguments = [
        "nextest",
        "run",
        "--offline",
        "--no-fail-fast",
        "--package=bare",
        "--package=outcomes",
        "-E",
        "test(/main|panics_with/) & not binary(outcomes)",
    ];
    let plain = Suite::new();
    plain.resmon(&arguments).finish().exits(0);
    let suite = Suite::new();
    suite.resmon(&[&arguments[..], &["--instrument"]].concat()).finish().exits(0);
    let (plain, inside) = (plain.records(), suite.records());
    assert_eq!(tests(&plain), [("bare/src/lib.rs::tests::main", "passed")]);
    assert_eq!(tests(&inside), tests(&plain));
    let (plain, inside) = (plain.tests()[0], inside.tests()[0]);
    assert_eq!((plain.text("target"), inside.text("target")), ("bare", "bare"));
    // Only the figures from outside include the start of the process.
    assert!(inside.float("duration_s") < plain.float("duration_s"));
    assert!(inside.has("rss_before") && !plain.has("rss_before"));
}
