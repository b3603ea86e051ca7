//! The attribute in a crate of edition 2018.

#![deny(warnings, clippy::pedantic)]

#[path = "../../support/kinds/asynchronous.rs"]
mod asynchronous;
#[path = "../../support/kinds/mod.rs"]
mod kinds;
#[path = "../../support/rerun/mod.rs"]
mod rerun;

#[test]
fn every_kind_is_recorded() {
    let names = [
        "exit_code",
        "expectation",
        "expectation_of_value",
        "guard",
        "impl_termination",
        "message",
        "value",
    ];
    rerun::check_all_pass(
        "tests/crates/edition_2018/../../support/kinds/mod.rs",
        "kinds::",
        &names,
    );
}

#[test]
fn every_async_kind_is_recorded() {
    let names = ["guard", "message", "value", "value_without_await"];
    rerun::check_all_pass(
        "tests/crates/edition_2018/../../support/kinds/asynchronous.rs",
        "asynchronous::",
        &names,
    );
}
