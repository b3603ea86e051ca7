#[resmon::test("other")]
fn named() {}

fn main() {}
