#[resmon::test(crate = resmon, crate = resmon)]
fn renamed() {}

fn main() {}
