use my_tools::db_test;

#[resmon::test]
#[db_test(pool = 2)]
fn inserts() {}

fn main() {}
