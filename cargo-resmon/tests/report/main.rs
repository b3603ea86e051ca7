//! `cargo resmon report`, the real one, on files of records.

mod bad_input;
mod browser;
mod command;
mod html;
mod json;
mod markdown;
mod real;
mod records;
mod terminal;
mod webdriver;
