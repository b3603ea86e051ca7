#[resmon::test(should_panic)]
fn panics() {
    panic!();
}

fn main() {}
