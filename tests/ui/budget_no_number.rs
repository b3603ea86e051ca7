#[resmon::test(max_time = "1.2.3 s")]
fn limited() {}

fn main() {}
