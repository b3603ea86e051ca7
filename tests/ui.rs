//! The compiler's messages about mistakes in the attribute.

#[test]
#[cfg_attr(miri, ignore = "runs the compiler")]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
