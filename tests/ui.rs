//! What the compiler says about mistakes.

#[test]
#[cfg_attr(miri, ignore = "runs the compiler")]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
