#[resmon::test]
mod tests {
    #[test]
    fn inside() {}
}

fn main() {}
