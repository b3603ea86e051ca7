//! A test that libtest runs after those of `suite`, because of the order of names.

use crate::support::gate;

/// Waits at the driver's gate, if there is one.
#[resmon::test]
fn at_the_gate() {
    gate::pass("SUITE_GATE");
}
