#[resmon::test(max_rss = 1024)]
fn limited() {}

fn main() {}
