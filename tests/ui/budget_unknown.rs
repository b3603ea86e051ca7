#[resmon::test(max_head = "1 MiB")]
fn limited() {}

fn main() {}
