//! Prints how often `cargo resmon compare` gives a false alarm, and how many slow-downs it finds:
//! `cargo run --release --package cargo-resmon --example compare_simulation`
#![allow(dead_code, reason = "the modules are those of the program")]

#[path = "../src/compare/simulation.rs"]
mod simulation;
#[path = "../src/compare/statistics.rs"]
mod statistics;

fn main() {
    println!("runs      false alarms per 1,000 unchanged tests   slow-downs of 1.5 found");
    for (base, head) in [(3, 3), (5, 3), (5, 5), (10, 5), (20, 3), (10, 10)] {
        let rates = simulation::rates(base, head, 0..100);
        let (alarms, found) = (rates.alarms_per_thousand(), rates.found_percent());
        println!("{base:>2} × {head:<2}   {alarms:>20.2}   {found:>35.1} %");
    }
}
