//! The budgets in `.config/resmon.toml`: limits for tests, whether they have an attribute or not.

use anyhow::{Context, anyhow};
use glob::Pattern;

use crate::compare::limit;
use crate::compare::metric::{Coverage, Metric};
use crate::config_file::Limited;
use crate::message;
use crate::record::TestRecord;

/// The budgets of a workspace.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    budgets: Vec<Budget>,
    /// The limits for which a figure was missing.
    unchecked: Vec<&'static str>,
}

/// Limits for some tests.
#[derive(Debug)]
struct Budget {
    filter: Pattern,
    package: Option<String>,
    limits: Vec<Limit>,
}

#[derive(Debug)]
struct Limit {
    name: &'static str,
    metric: Metric,
    most: f64,
}

impl Budgets {
    pub(crate) fn new(limited: Vec<Limited>) -> anyhow::Result<Self> {
        let budgets: anyhow::Result<_> = limited.into_iter().map(Budget::new).collect();
        Ok(Self { budgets: budgets?, unchecked: Vec::new() })
    }

    /// Returns a message for each limit that a test has exceeded. A test that has failed anyway exceeds none. Says once
    /// which limits cannot be checked, because a figure is missing.
    pub(crate) fn exceeded(&mut self, test: &TestRecord) -> Vec<String> {
        let mut messages = Vec::new();
        if test.figures.outcome.is_bad() {
            return messages;
        }
        let of_test = |budget: &&Budget| {
            budget.filter.matches(&test.test_nodeid)
                && (budget.package.is_none() || budget.package == test.package)
        };
        for limit in self.budgets.iter().filter(of_test).flat_map(|budget| &budget.limits) {
            match limit.metric.of(&test.figures) {
                Some((figure, coverage)) if coverage != Coverage::Shared => {
                    if figure > limit.most {
                        messages.push(limit.excess(&test.test_nodeid, figure));
                    }
                }
                figure => {
                    if !self.unchecked.contains(&limit.name) {
                        self.unchecked.push(limit.name);
                        message::warn(limit.unchecked(&test.test_nodeid, figure.is_some()));
                    }
                }
            }
        }
        messages
    }
}

impl Budget {
    fn new(limited: Limited) -> anyhow::Result<Self> {
        let Limited { filter, package, max_heap, max_allocs, max_rss, max_time, max_cpu } = limited;
        let pattern = Pattern::new(&filter)
            .with_context(|| format!("`budget.filter` of {filter:?} is not a glob pattern"))?;
        let limits = [
            ("max-heap", Metric::Heap, max_heap),
            ("max-allocs", Metric::AllocCount, max_allocs.map(|count| count.to_string())),
            ("max-rss", Metric::Rss, max_rss),
            ("max-time", Metric::Time, max_time),
            ("max-cpu", Metric::Cpu, max_cpu),
        ];
        let given =
            limits.into_iter().filter_map(|(name, metric, most)| Some((name, metric, most?)));
        let limits: anyhow::Result<Vec<_>> = given
            .map(|(name, metric, most)| {
                let most = limit::parse(metric, &most);
                let most = most.map_err(|error| anyhow!("`budget.{name}`: {error}"))?;
                Ok(Limit { name, metric, most })
            })
            .collect();
        Ok(Self { filter: pattern, package, limits: limits? })
    }
}

impl Limit {
    fn excess(&self, id: &str, figure: f64) -> String {
        let Self { name, metric, most } = self;
        format!(
            "over budget: {id}: {} {}, {name} is {}: raise it in .config/resmon.toml to allow it",
            metric.title(),
            metric.format(figure),
            metric.format(*most)
        )
    }

    fn unchecked(&self, id: &str, is_shared: bool) -> String {
        let reason = match self.metric {
            Metric::Heap | Metric::AllocCount => "the heap is counted with --heap",
            _ if is_shared => "other tests ran in its process at the same time",
            _ => "the figure is not known",
        };
        format!("{} is not checked for {id}: {reason}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn budgets(text: &str) -> anyhow::Result<Budgets> {
        Budgets::new(vec![toml::from_str(text).unwrap()])
    }

    fn test(id: &str, outcome: &str) -> TestRecord {
        let record = json!({
            "test_nodeid": id, "package": "shop", "outcome": outcome, "duration_s": 2.0,
            "rss_peak": 8 << 20, "concurrent_tests": 2, "alloc_count": 11, "attempt": 1,
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn a_limit_is_held_against_the_tests_that_it_is_for() {
        let text =
            "filter = \"src/*::slow*\"\nmax-time = \"1.5s\"\nmax-rss = \"1MiB\"\nmax-allocs = 10\n";
        let mut budgets = budgets(text).unwrap();
        let messages = budgets.exceeded(&test("src/lib.rs::slow_one", "passed"));
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages[0].contains("allocations 11, max-allocs is 10: raise it"), "{messages:?}");
        assert!(
            messages[1].starts_with("over budget: src/lib.rs::slow_one: time "),
            "{messages:?}"
        );
        // Its peak is also that of the test beside it.
        assert_eq!(budgets.unchecked, ["max-rss"]);
        for other in [test("src/lib.rs::quick", "passed"), test("src/lib.rs::slow", "failed")] {
            assert_eq!(budgets.exceeded(&other), [""; 0]);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let refused = |text| format!("{:#}", budgets(text).unwrap_err());
        assert!(refused("filter = \"a[\"").contains("`budget.filter` of \"a[\" is not a glob"));
        let error = refused("filter = \"*\"\nmax-time = \"2 days\"");
        assert!(error.contains("`budget.max-time`: \"2 days\" is not a duration"), "{error}");
    }
}
