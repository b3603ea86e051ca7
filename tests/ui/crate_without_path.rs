#[resmon::test(crate)]
fn lost() {}

fn main() {}
