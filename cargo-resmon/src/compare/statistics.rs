//! The statistics of a comparison: the factor of each run, and whether a figure has changed.
//!
//! The unit is the run. The machines of a CI differ by more than most changes do. Each run is therefore divided by its
//! factor: the median, over all tests, of the ratio of its figure to the usual figure of the test. A change then has to
//! be large against the spread between runs, against the figure itself, and by itself.

/// The minimum number of tests for a factor. The median of fewer ratios follows the change of a single test.
pub(crate) const COMMON: usize = 5;

/// The minimum number of runs on each side for a figure with noise.
pub(crate) const RUNS: usize = 3;

/// The minimum difference of the medians, in standard deviations of this difference.
const SIGMAS: f64 = 4.0;

/// The minimum number of pairs of runs for which [`SIGMAS`] and the absence of any overlap each suffice: that of five
/// runs on each side. Of fewer runs, both are required, because unchanged tests too often come apart by chance.
const PAIRS: usize = 25;

/// The size of a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rule {
    /// The minimum difference as a share of the base's median.
    pub(crate) share: f64,
    /// The minimum difference in the unit of the figure.
    pub(crate) floor: f64,
    /// The least standard deviation to assume, as a share of the base's median. 0 for a figure without noise.
    pub(crate) noise: f64,
}

/// The difference between two sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The median of the base.
    pub(crate) base: f64,
    /// The median of the head.
    pub(crate) head: f64,
    /// The difference of the medians in standard deviations; `None` without any spread.
    sigmas: Option<f64>,
    /// Whether the ranges of both sides overlap.
    overlaps: bool,
    /// The number of pairs of a run of the base and one of the head.
    pairs: usize,
}

/// Returns the median; `None` without values.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { values[middle - 1].midpoint(upper) })
}

/// Returns the factor of each run: 1.1 for a run whose tests took 1.1 times as long as usual. Each item of `tests` has
/// the figures of a test, one for each run; the first `base` runs are those of the base. The median of their factors
/// is 1. Tests that are usually below `least`, and tests that are on one side only, do not count. A run in which fewer
/// than [`COMMON`] tests count has no factor.
pub(crate) fn factors<'a>(
    tests: impl IntoIterator<Item = &'a [Option<f64>]>,
    runs: usize,
    base: usize,
    least: f64,
) -> Vec<Option<f64>> {
    let mut ratios = vec![Vec::new(); runs];
    for figures in tests {
        let (one, other) = figures.split_at(base);
        let is_known = |side: &[Option<f64>]| side.iter().any(Option::is_some);
        let Some(usual) = median(figures.iter().copied().flatten().collect()) else { continue };
        if usual < least || !is_known(one) || !is_known(other) {
            continue;
        }
        for (ratios, figure) in ratios.iter_mut().zip(figures) {
            ratios.extend(figure.map(|figure| figure / usual));
        }
    }
    let factor = |ratios: Vec<f64>| if ratios.len() < COMMON { None } else { median(ratios) };
    let factors: Vec<_> = ratios.into_iter().map(factor).collect();
    let unit = median(factors[..base].iter().copied().flatten().collect());
    let Some(unit) = unit.filter(|unit| *unit > 0.0) else { return vec![None; runs] };
    factors.into_iter().map(|factor| Some(factor? / unit).filter(|factor| *factor > 0.0)).collect()
}

impl Difference {
    /// Compares the figures of the runs of both sides. `noise` is that of a [`Rule`]. `None` if a side has none.
    pub(crate) fn between(base: &[f64], head: &[f64], noise: f64) -> Option<Self> {
        let (from, to) = (median(base.to_vec())?, median(head.to_vec())?);
        let sigma = deviation(base, from).max(deviation(head, to)).max(noise * from.abs());
        #[expect(clippy::cast_precision_loss, reason = "there are few runs")]
        let sigma = sigma * (1.0 / base.len() as f64 + 1.0 / head.len() as f64).sqrt();
        let ((base_least, base_most), (head_least, head_most)) = (range(base), range(head));
        Some(Self {
            base: from,
            head: to,
            sigmas: (sigma > 0.0).then(|| (to - from).abs() / sigma),
            overlaps: head_least <= base_most && base_least <= head_most,
            pairs: base.len() * head.len(),
        })
    }

    /// Returns whether this is a change by the rule.
    pub(crate) fn is_change(&self, rule: &Rule) -> bool {
        let difference = (self.head - self.base).abs();
        let is_large = difference > 0.0
            && difference > rule.share * self.base.abs()
            && difference > rule.floor;
        let is_far = self.sigmas.is_none_or(|sigmas| sigmas > SIGMAS);
        let is_clear =
            if self.pairs < PAIRS { is_far && !self.overlaps } else { is_far || !self.overlaps };
        is_large && is_clear
    }

    pub(crate) fn is_increase(&self) -> bool {
        self.head > self.base
    }
}

/// Estimates the standard deviation of a side by its median absolute deviation from the median. Of few values, that
/// comes out too small, which the factors of Croux and Rousseeuw (1992) make up for.
fn deviation(side: &[f64], median_of_side: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are few runs")]
    let small = match side.len() {
        0..=2 => 1.196,
        3 => 1.495,
        4 => 1.363,
        5 => 1.206,
        6 => 1.200,
        7 => 1.140,
        8 => 1.129,
        9 => 1.107,
        count => count as f64 / (count as f64 - 0.8),
    };
    let deviations = side.iter().map(|figure| (figure - median_of_side).abs()).collect();
    median(deviations).unwrap_or_default() * 1.4826 * small
}

fn range(side: &[f64]) -> (f64, f64) {
    let least = side.iter().copied().fold(f64::INFINITY, f64::min);
    (least, side.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { share: 0.2, floor: 0.05, noise: 0.02 };

    fn is_change(base: &[f64], head: &[f64], rule: &Rule) -> bool {
        Difference::between(base, head, rule.noise).unwrap().is_change(rule)
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn a_slower_machine_is_a_factor_and_a_slower_test_is_not() {
        let tests: Vec<Vec<Option<f64>>> = (0..9)
            .map(|test| {
                let seconds = 0.1 * f64::from(test + 1);
                let change = if test == 4 { 3.0 } else { 1.0 };
                vec![Some(seconds), Some(seconds * 2.0), Some(seconds * 2.6 * change)]
            })
            .collect();
        let factors = factors(tests.iter().map(Vec::as_slice), 3, 2, 0.02);
        let factors: Vec<f64> = factors.into_iter().map(Option::unwrap).collect();
        // The base's runs are at 1 and 2, so that 1.5 is its usual speed.
        for (factor, wanted) in factors.iter().zip([1.0 / 1.5, 2.0 / 1.5, 2.6 / 1.5]) {
            assert!((factor - wanted).abs() < 1e-9, "{factors:?}");
        }
    }

    #[test]
    fn a_run_with_too_few_tests_in_common_has_no_factor() {
        let mut tests = vec![vec![Some(1.0), Some(1.0)]; COMMON - 1];
        // Too short, and on one side only.
        tests.extend([vec![Some(0.01), Some(0.01)], vec![Some(1.0), None], vec![None, Some(1.0)]]);
        let of = |tests: &[Vec<_>]| factors(tests.iter().map(Vec::as_slice), 2, 1, 0.02);
        assert_eq!(of(&tests), [None, None]);
        tests.push(vec![Some(1.0), Some(1.0)]);
        assert_eq!(of(&tests), [Some(1.0), Some(1.0)]);
    }

    #[test]
    fn a_change_is_large_against_the_spread_the_figure_and_the_floor() {
        let base = [1.0, 1.02, 0.98, 1.01, 0.99];
        assert!(is_change(&base, &[1.5, 1.52, 1.48, 1.51, 1.49], &RULE));
        assert!(is_change(&base, &[0.5, 0.52, 0.48, 0.51, 0.49], &RULE), "a decrease");
        assert!(!is_change(&base, &[1.19, 1.19, 1.19, 1.19, 1.19], &RULE), "below 20 %");
        let short = base.map(|seconds| seconds * 0.08);
        assert!(!is_change(&short, &short.map(|seconds| seconds * 1.5), &RULE), "below the floor");
        let wide = [0.6, 1.0, 1.4, 0.7, 1.3];
        assert!(!is_change(&wide, &[1.5, 1.2, 1.5, 1.8, 1.0], &RULE), "within the spread");
    }

    #[test]
    fn a_single_outlier_neither_makes_a_change_nor_hides_one() {
        let base = [1.0, 1.02, 5.0, 1.01, 0.99];
        assert!(!is_change(&base, &[1.0, 1.0, 1.0, 9.0, 1.0], &RULE));
        assert!(is_change(&base, &[1.5, 1.52, 0.4, 1.51, 1.49], &RULE));
    }

    #[test]
    fn exact_counts_change_by_a_single_run_a_side() {
        let exact = Rule { share: 0.0, floor: 0.0, noise: 0.0 };
        assert!(is_change(&[3.0], &[4.0], &exact));
        assert!(!is_change(&[3.0], &[3.0], &exact));
        // A figure that differs from run to run has not changed while it stays within its spread.
        assert!(!is_change(&[3.0, 4.0, 5.0], &[5.0], &exact));
    }
}
