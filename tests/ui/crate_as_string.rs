#[resmon::test(crate = "resmon")]
fn quoted() {}

fn main() {}
