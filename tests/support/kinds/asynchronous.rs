//! One async test of each shape that the attribute expands to.

use std::future::ready;
use std::num::ParseIntError;

#[resmon::test]
#[tokio::test]
async fn guard() {
    ready(()).await;
}

#[resmon::test(tokio::test)]
async fn value() -> Result<(), ParseIntError> {
    assert_eq!(ready("1").await.parse::<u8>()?, 1);
    Ok(())
}

#[resmon::test(tokio::test)]
async fn value_without_await() -> Result<(), ParseIntError> {
    assert_eq!("1".parse::<u8>()?, 1);
    Ok(())
}

#[tokio::test]
#[resmon::test]
#[should_panic(expected = "the one")]
async fn message() {
    ready(()).await;
    panic!("this is the one");
}
