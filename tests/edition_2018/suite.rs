//! The attribute in a crate of edition 2018.

#![deny(warnings, clippy::pedantic)]

#[path = "../kinds/asynchronous.rs"]
mod asynchronous;
#[path = "../kinds/mod.rs"]
mod kinds;
#[path = "../rerun/mod.rs"]
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
    rerun::check_all_pass("tests/edition_2018/../kinds/mod.rs", "kinds::", &names);
}

#[test]
fn every_async_kind_is_recorded() {
    let names = ["guard", "message", "value", "value_without_await"];
    rerun::check_all_pass("tests/edition_2018/../kinds/asynchronous.rs", "asynchronous::", &names);
}
