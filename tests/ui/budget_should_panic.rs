#[resmon::test(max_heap = "1 MiB")]
#[should_panic]
fn limited() {}

fn main() {}
