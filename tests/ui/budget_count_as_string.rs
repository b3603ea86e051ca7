#[resmon::test(max_allocs = "1000")]
fn limited() {}

fn main() {}
