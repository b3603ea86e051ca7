#[resmon::test(tokio::test crate = resmon)]
async fn waits() {}

fn main() {}
