#[resmon::test(max_heap)]
fn limited() {}

fn main() {}
