#[resmon::test]
const fn evaluates() {}

fn main() {}
