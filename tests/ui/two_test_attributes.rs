#[resmon::test(tokio::test, actix_rt::test)]
async fn waits() {}

fn main() {}
