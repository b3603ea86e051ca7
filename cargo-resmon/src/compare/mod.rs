//! `cargo resmon compare`: whether a set of runs is worse than another.

#[cfg(test)]
mod simulation;
mod statistics;
