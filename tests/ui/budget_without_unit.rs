#[resmon::test(max_heap = "64")]
fn limited() {}

fn main() {}
