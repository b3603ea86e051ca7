#[resmon::test(max_heap = "1 MiB", max_heap = "2 MiB")]
fn limited() {}

fn main() {}
