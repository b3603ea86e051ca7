//! Attributes that run an `async fn`.

use crate::rerun;

mod tokio {
    use std::process::ExitCode;

    #[resmon::test]
    #[tokio::test]
    async fn above() {
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    #[resmon::test]
    async fn below() {
        tokio::task::yield_now().await;
    }

    #[resmon::test(tokio::test)]
    async fn argument() {
        tokio::task::yield_now().await;
    }

    #[resmon::test(tokio::test(flavor = "multi_thread", worker_threads = 2))]
    async fn argument_with_arguments() {
        let workers = tokio::runtime::Handle::current().metrics().num_workers();
        assert_eq!(tokio::spawn(async move { workers }).await.unwrap(), 2);
    }

    #[resmon::test(crate = resmon, tokio::test)]
    async fn argument_and_crate() {}

    #[resmon::test]
    #[tokio::test]
    #[ignore = "fails"]
    async fn panics() {
        panic!("as it should not");
    }

    #[resmon::test]
    #[tokio::test]
    async fn result() -> Result<(), String> {
        tokio::task::yield_now().await;
        Ok(())
    }

    #[resmon::test]
    #[tokio::test]
    #[ignore = "fails"]
    async fn result_error() -> Result<(), String> {
        tokio::task::yield_now().await;
        Err("as it should not".to_owned())
    }

    #[tokio::test]
    #[resmon::test]
    #[ignore = "fails"]
    async fn result_error_below() -> Result<(), String> {
        Err("as it should not".to_owned())
    }

    #[resmon::test(tokio::test)]
    #[ignore = "fails"]
    async fn exit_code_failure() -> ExitCode {
        ExitCode::FAILURE
    }

    #[resmon::test]
    #[tokio::test]
    #[should_panic]
    async fn should_panic() {
        tokio::task::yield_now().await;
        panic!();
    }

    #[resmon::test]
    #[should_panic(expected = "the one")]
    #[tokio::test]
    async fn expected_met() {
        tokio::task::yield_now().await;
        panic!("this is the one");
    }

    #[resmon::test]
    #[tokio::test]
    #[should_panic(expected = "the one")]
    #[ignore = "fails"]
    async fn expected_other_message() {
        tokio::task::yield_now().await;
        panic!("this is another");
    }

    #[tokio::test]
    #[resmon::test]
    #[should_panic(expected = "the one")]
    #[ignore = "fails"]
    async fn expected_no_panic_below() {}

    #[resmon::test]
    #[tokio::test]
    async fn inner_attributes() {
        #![allow(unused_variables)]
        let unused = 1;
    }

    mod imported {
        use tokio::test;

        #[resmon::test]
        #[test]
        async fn as_test() {}
    }
}

#[test]
fn tokio_tests() {
    let expected = [
        ("runtimes::tokio::above", "passed"),
        ("runtimes::tokio::argument", "passed"),
        ("runtimes::tokio::argument_and_crate", "passed"),
        ("runtimes::tokio::argument_with_arguments", "passed"),
        ("runtimes::tokio::below", "passed"),
        ("runtimes::tokio::exit_code_failure", "failed"),
        ("runtimes::tokio::expected_met", "passed"),
        ("runtimes::tokio::expected_no_panic_below", "failed"),
        ("runtimes::tokio::expected_other_message", "failed"),
        ("runtimes::tokio::imported::as_test", "passed"),
        ("runtimes::tokio::inner_attributes", "passed"),
        ("runtimes::tokio::panics", "failed"),
        ("runtimes::tokio::result", "passed"),
        ("runtimes::tokio::result_error", "failed"),
        ("runtimes::tokio::result_error_below", "failed"),
        ("runtimes::tokio::should_panic", "passed"),
    ];
    rerun::check(file!(), "runtimes::tokio::", &expected);
}

mod actix {
    #[resmon::test]
    #[actix_rt::test]
    async fn above() {
        actix_rt::task::yield_now().await;
    }

    #[actix_rt::test]
    #[resmon::test]
    async fn below() {
        actix_rt::task::yield_now().await;
    }

    #[resmon::test(actix_rt::test)]
    #[ignore = "fails"]
    async fn argument_panics() {
        actix_rt::task::yield_now().await;
        panic!("as it should not");
    }

    #[resmon::test(actix_rt::test)]
    #[ignore = "fails"]
    async fn argument_error() -> Result<(), ()> {
        actix_rt::task::yield_now().await;
        Err(())
    }

    #[resmon::test(actix_rt::test)]
    #[should_panic(expected = "the one")]
    async fn argument_expected() {
        actix_rt::task::yield_now().await;
        panic!("this is the one");
    }
}

#[test]
fn actix_tests() {
    let expected = [
        ("runtimes::actix::above", "passed"),
        ("runtimes::actix::argument_error", "failed"),
        ("runtimes::actix::argument_expected", "passed"),
        ("runtimes::actix::argument_panics", "failed"),
        ("runtimes::actix::below", "passed"),
    ];
    rerun::check(file!(), "runtimes::actix::", &expected);
}

mod async_std {
    #[resmon::test]
    #[async_std::test]
    async fn above() -> Result<(), ()> {
        async_std::task::yield_now().await;
        Ok(())
    }

    #[async_std::test]
    #[resmon::test]
    async fn below() {}

    #[resmon::test(async_std::test)]
    #[ignore = "fails"]
    async fn argument_error() -> Result<(), ()> {
        Err(())
    }
}

#[test]
fn async_std_tests() {
    let expected = [
        ("runtimes::async_std::above", "passed"),
        ("runtimes::async_std::argument_error", "failed"),
        ("runtimes::async_std::below", "passed"),
    ];
    rerun::check(file!(), "runtimes::async_std::", &expected);
}
