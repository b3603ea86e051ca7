//! A crate that depends on resmon by another name.

#[path = "../../support/rerun/mod.rs"]
mod rerun;

mod renamed {
    mod tools {
        pub(crate) use monitor as machine;
    }

    #[monitor::test(crate = monitor)]
    fn by_name() {}

    #[tools::machine::test(crate = crate::renamed::tools::machine)]
    fn by_path() -> Result<(), std::num::ParseIntError> {
        "1".parse::<u8>().map(drop)
    }

    #[monitor::test(crate = monitor, tokio::test)]
    #[should_panic(expected = "the one")]
    async fn around_tokio() {
        panic!("this is the one");
    }

    #[monitor::test(crate = ::monitor)]
    #[rstest::rstest]
    #[case::one(1)]
    fn above_rstest(#[case] number: u8) {
        assert_eq!(number, 1);
    }
}

#[test]
fn renamed_crate_is_found() {
    let names = ["above_rstest::case_1_one", "around_tokio", "by_name", "by_path"];
    rerun::check_all_pass(file!(), "renamed::", &names);
}
