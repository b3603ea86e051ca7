#[resmon::test]
pub struct Suite;

fn main() {}
