struct Suite;

impl Suite {
    #[resmon::test]
    fn method(&self) {}
}

fn main() {}
