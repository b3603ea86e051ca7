//! A simulation of a project's tests on the machines of a CI, some of which have become slower.
//!
//! 800 tests whose time spreads by 5 % (median) around their own, 3 % of the runs of a test are spikes, each run is on
//! a machine of its own speed (12 %), to which some tests react more than others, and 3 % of the tests have become
//! 1.5 times as slow.

use super::statistics::{self, Difference, Rule};

/// The number of tests of a project.
const TESTS: usize = 800;
/// The slow-down of a changed test.
const SLOWER: f64 = 1.5;

/// The rule for times.
const RULE: Rule = Rule { share: 0.2, floor: 0.05, noise: 0.02 };

/// The result of comparisons.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// Tests that have not changed.
    pub(crate) unchanged: u32,
    /// The number of unchanged tests that were called changed.
    pub(crate) false_alarms: u32,
    /// Tests that have become slower.
    pub(crate) slower: u32,
    /// The number of slowed tests that were found.
    pub(crate) found: u32,
}

impl Rates {
    /// Returns the false alarms per 1,000 unchanged tests.
    pub(crate) fn alarms_per_thousand(&self) -> f64 {
        f64::from(self.false_alarms) / f64::from(self.unchanged) * 1000.0
    }

    /// Returns the share of the slow-downs that were found, in %.
    pub(crate) fn found_percent(&self) -> f64 {
        f64::from(self.found) / f64::from(self.slower) * 100.0
    }
}

/// Compares `base` runs with `head` runs of a project, as often as there are seeds.
pub(crate) fn rates(base: usize, head: usize, seeds: impl IntoIterator<Item = u64>) -> Rates {
    let mut rates = Rates::default();
    for seed in seeds {
        let tests = project(&mut Source(fastrand::Rng::with_seed(seed)), base, head);
        let figures = tests.iter().map(|(_, figures)| figures.as_slice());
        let factors = statistics::factors(figures, base + head, base, 0.02);
        for (is_slower, figures) in &tests {
            let normal: Vec<f64> = figures
                .iter()
                .zip(&factors)
                .filter_map(|(figure, factor)| Some((*figure)? / (*factor)?))
                .collect();
            let (one, other) = normal.split_at(base);
            let difference = Difference::between(one, other, RULE.noise).expect("there are runs");
            let is_change = difference.is_change(&RULE);
            if *is_slower {
                rates.slower += 1;
                rates.found += u32::from(is_change && difference.is_increase());
            } else {
                rates.unchanged += 1;
                rates.false_alarms += u32::from(is_change);
            }
        }
    }
    rates
}

/// Returns for each test whether it has become slower, and its seconds in each run.
fn project(source: &mut Source, base: usize, head: usize) -> Vec<(bool, Vec<Option<f64>>)> {
    let speeds: Vec<f64> = (0..base + head).map(|_| source.log_normal(1.0, 0.12)).collect();
    let test = |_| {
        let usual = source.log_normal(0.5, 1.0);
        let spread = source.log_normal(0.05, 0.5);
        // How much of the machine's speed reaches the test.
        let sensitivity = source.0.f64() + 0.5;
        let is_slower = source.0.f64() < 0.03;
        let seconds = speeds.iter().enumerate().map(|(run, speed)| {
            let change = if is_slower && run >= base { SLOWER } else { 1.0 };
            let spike = if source.0.f64() < 0.03 { 1.5 + source.0.f64() } else { 1.0 };
            Some(source.log_normal(usual, spread) * speed.powf(sensitivity) * change * spike)
        });
        (is_slower, seconds.collect())
    };
    (0..TESTS).map(test).collect()
}

/// A source of random numbers.
struct Source(fastrand::Rng);

impl Source {
    /// Returns a value with this median. `spread` is the standard deviation of its logarithm.
    fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        // Box and Muller's transform.
        let (radius, angle) = (1.0 - self.0.f64(), self.0.f64());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        median * (spread * normal).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::rates;

    /// The example `compare_simulation` has narrower rates, of more seeds.
    #[test]
    fn few_alarms_are_false_and_most_slow_downs_are_found() {
        for (base, head, most_alarms, least_found) in [(5, 5, 2.0, 80.0), (3, 3, 4.0, 50.0)] {
            let rates = rates(base, head, 0..10);
            let (alarms, found) = (rates.alarms_per_thousand(), rates.found_percent());
            assert!(alarms <= most_alarms, "{base} × {head}: {alarms} alarms per 1,000");
            assert!(found >= least_found, "{base} × {head}: {found} % found");
        }
    }
}
