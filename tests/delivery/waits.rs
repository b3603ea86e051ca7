//! After `suite` in the alphabet, and so in libtest's order.

use crate::support::gate;

/// Waits at the driver's gate, if there is one.
#[resmon::test]
fn at_the_gate() {
    gate::pass("SUITE_GATE");
}
