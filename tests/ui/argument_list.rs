#[resmon::test]
#[ignore]
fn doubles(number: u8, double: u8) {
    assert_eq!(number * 2, double);
}

fn main() {}
