//! The attributes of other crates that resmon knows, each with what it does to a test.

use syn::Path;

use self::Effect::{JudgesTest, PrependsTest, RegistersTest, RunsAsync};

/// An effect of an attribute on the function that it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Puts `#[test]` on the function, or on each function that it generates.
    RegistersTest,
    /// Puts that `#[test]` in front of all other attributes. The compiler takes attributes from the top, so that resmon,
    /// below, does not see it any more.
    PrependsTest,
    /// Generates several tests, or decides after the body whether the test has passed. A guard in the body would neither
    /// tell the cases apart nor learn the outcome, so that resmon moves below the attribute.
    JudgesTest,
    /// Makes a function of an `async fn` that libtest can call.
    RunsAsync,
}

/// Known attributes, by the last segment of their paths.
const KNOWN: &[(&str, &[Effect])] = &[
    // `tokio::test`, `async_std::test`, `actix_rt::test`, `sqlx::test`, `test_log::test` and many more
    ("test", &[RegistersTest, RunsAsync]),
    // rocket, matrix-sdk
    ("async_test", &[RegistersTest, RunsAsync]),
    // test-case
    ("case", &[RegistersTest, PrependsTest, JudgesTest]),
    ("test_case", &[RegistersTest, PrependsTest, JudgesTest]),
    ("test_matrix", &[RegistersTest, PrependsTest, JudgesTest]),
    // dir-test
    ("dir_test", &[RegistersTest]),
    ("dir_test_attr", &[]),
    // flaky_test
    ("flaky_test", &[RegistersTest, RunsAsync]),
    // googletest
    ("gtest", &[RegistersTest, JudgesTest]),
    // yare
    ("parameterized", &[RegistersTest, PrependsTest, JudgesTest]),
    // test-strategy
    ("proptest", &[RegistersTest, JudgesTest, RunsAsync]),
    // quickcheck_macros
    ("quickcheck", &[RegistersTest, PrependsTest, JudgesTest]),
    // rstest
    ("rstest", &[RegistersTest, JudgesTest]),
    ("test_attr", &[RunsAsync]),
    // test-casing
    ("test_casing", &[RegistersTest, RunsAsync]),
    // test-context
    ("test_context", &[]),
    // ntest
    ("timeout", &[JudgesTest]),
    // tracing-test
    ("traced_test", &[]),
    // wasm-bindgen-test
    ("wasm_bindgen_test", &[RegistersTest, RunsAsync]),
];

/// Whether the attribute of this path has the effect.
pub(crate) fn has_effect(path: &Path, effect: Effect) -> bool {
    effects(path).is_some_and(|effects| effects.contains(&effect)) || is_googletest(path, effect)
}

/// Whether the attribute sounds like one that registers tests, and is not known.
pub(crate) fn may_register(path: &Path) -> bool {
    let last = path.segments.last().map(|last| last.ident.to_string());
    effects(path).is_none() && last.is_some_and(|name| name.contains("test"))
}

fn effects(path: &Path) -> Option<&'static [Effect]> {
    let last = &path.segments.last()?.ident;
    KNOWN.iter().find(|(name, _)| last == name).map(|(_, effects)| *effects)
}

/// `#[googletest::test]` judges, as `#[gtest]` does, which other attributes of this name do not.
fn is_googletest(path: &Path, effect: Effect) -> bool {
    let segments = &path.segments;
    effect == JudgesTest
        && segments.len() == 2
        && segments[0].ident == "googletest"
        && segments[1].ident == "test"
}
