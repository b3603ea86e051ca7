#[resmon::test(max_time = "2 hours")]
fn limited() {}

fn main() {}
