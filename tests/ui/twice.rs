#[resmon::test]
#[resmon::test]
fn plain() {}

fn main() {}
