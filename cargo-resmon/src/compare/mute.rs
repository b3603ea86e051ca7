//! Muted tests: their figures are shown, but exceed no limit.

use glob::Pattern;
use serde::Serialize;

use crate::config_file::Muted;
use crate::report::test::Key;

/// The muted tests of a workspace.
#[derive(Debug, Default)]
pub(crate) struct Mutes(Vec<(Pattern, Muted)>);

/// The reason why a test is muted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Mute {
    pub(crate) reason: Option<String>,
}

impl Mutes {
    pub(crate) fn new(muted: Vec<Muted>) -> Self {
        // The patterns are valid: the reader of the file has tried them.
        let pattern = |muted: Muted| Some((Pattern::new(&muted.test).ok()?, muted));
        Self(muted.into_iter().filter_map(pattern).collect())
    }

    pub(super) fn matcher(&self) -> Matcher<'_> {
        Matcher { mutes: &self.0, has_matched: vec![false; self.0.len()] }
    }
}

/// A search for muted tests, which notes the patterns that match.
pub(super) struct Matcher<'a> {
    mutes: &'a [(Pattern, Muted)],
    has_matched: Vec<bool>,
}

impl Matcher<'_> {
    /// Returns why a test is muted; `None` if it is not.
    pub(super) fn find(&mut self, key: &Key) -> Option<Mute> {
        let mut found = None;
        for ((pattern, muted), has_matched) in self.mutes.iter().zip(&mut self.has_matched) {
            if pattern.matches(&key.id) && (muted.package.is_none() || muted.package == key.package)
            {
                *has_matched = true;
                found.get_or_insert_with(|| Mute { reason: muted.reason.clone() });
            }
        }
        found
    }

    /// Returns the patterns that have matched no test.
    pub(super) fn idle(self) -> Vec<String> {
        let mutes = self.mutes.iter().zip(self.has_matched);
        mutes.filter(|(_, has)| !has).map(|((_, muted), _)| muted.test.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, package: &str) -> Key {
        Key { id: id.to_owned(), package: Some(package.to_owned()), target: None }
    }

    #[test]
    fn a_pattern_matches_ids_and_a_package_narrows_it() {
        let muted = |test: &str, package: Option<&str>, reason: &str| Muted {
            test: test.to_owned(),
            package: package.map(str::to_owned),
            reason: Some(reason.to_owned()),
        };
        let all = Mutes::new(vec![
            muted("tests/*::slow_*", None, "one"),
            muted("*::quick", Some("shop"), "two"),
            muted("src/*", None, "three"),
        ]);
        let mut matcher = all.matcher();
        let mut why =
            |id, package| matcher.find(&key(id, package)).map(|mute| mute.reason.unwrap());
        assert_eq!(why("tests/api.rs::orders::slow_one", "shop").as_deref(), Some("one"));
        assert_eq!(why("tests/api.rs::quick", "shop").as_deref(), Some("two"));
        assert_eq!(why("tests/api.rs::quick", "store"), None);
        assert_eq!(matcher.idle(), ["src/*"]);
    }
}
