//! Snapshots of whole expansions.

use proc_macro2::TokenStream;
use quote::quote;

use crate::expand::expand;

#[allow(clippy::needless_pass_by_value)]
fn snapshot(name: &str, args: TokenStream, item: TokenStream) {
    let expanded = syn::parse2(expand(args, item)).unwrap();
    insta::assert_snapshot!(name, prettyplease::unparse(&expanded));
}

macro_rules! snapshots {
    ($($name:ident: ($($args:tt)*) $item:item)*) => {$(
        #[test]
        fn $name() {
            snapshot(stringify!($name), quote!($($args)*), quote!($item));
        }
    )*};
}

snapshots! {
    guard: ()
    /// A doc comment.
    #[cfg(unix)]
    pub(crate) fn adds() {
        #![allow(unused_variables)]
        assert_eq!(1 + 1, 2);
    }

    value: ()
    fn parses() -> Result<(), ParseIntError> {
        "1".parse::<u8>().map(drop)
    }

    exit_code: ()
    fn exits() -> impl Termination {
        ExitCode::SUCCESS
    }

    message: ()
    #[should_panic(expected = "the one")]
    fn panics() {
        panic!("this is the one");
    }

    message_async: (tokio::test)
    #[should_panic = "the one"]
    async fn panics() {
        panic!("this is the one");
    }

    budget: (max_heap = "1.5 MiB", max_time = "2 s")
    fn is_small() {
        drop(vec![0; 1 << 20]);
    }

    inner_attribute: (tokio::test(flavor = "multi_thread", worker_threads = 2))
    async fn waits() -> Result<(), ()> {
        ready(()).await
    }

    unknown_attribute: (any::attribute(of = "some crate"))
    async fn waits() {
        ready(()).await
    }

    above_test_casing: ()
    #[test_casing(3, [1, 2, 3])]
    fn is_small(number: u8) {
        assert!(number < 4);
    }

    above_wasm_bindgen_test: ()
    #[wasm_bindgen_test(unsupported = tokio::test)]
    async fn waits() {
        ready(()).await
    }

    raw_name: ()
    fn r#plain() {}

    raw_keyword: ()
    fn r#match() {}

    renamed: (crate = tools::resmon)
    #[should_panic]
    fn panics() {
        panic!();
    }

    arguments: ()
    #[sqlx::test]
    async fn queries(mut pool: Pool) -> sqlx::Result<()> {
        pool.close().await
    }

    arguments_that_cannot_be_handed_on: ()
    #[sqlx::test]
    async fn queries(Pool(pool): Pool) -> sqlx::Result<()> {
        pool.close().await
    }

    registered: (__resmon_registered)
    fn case() {}

    over_test: ()
    #[test]
    fn plain() {}

    above_rstest: ()
    #[rstest]
    #[case(1)]
    #[case::two(2)]
    #[tokio::test]
    async fn cases(#[case] number: u8) {}

    above_rstest_with_test_attr: (crate = tools::resmon)
    #[rstest]
    #[test_attr(tokio::test)]
    async fn waits() {}

    above_rstest_template: ()
    #[apply(cases)]
    fn cases(#[case] number: u8) {}

    above_test_case: ()
    #[serial]
    #[test_case(1; "one")]
    #[test_case(2; "two")]
    fn cases(number: u8) {}

    above_gtest: ()
    #[googletest::test]
    fn expects() {}

    above_apply: ()
    #[apply(smol_macros::test!)]
    async fn waits() {}

    error_async: ()
    #[rstest]
    async fn waits() {}
}
