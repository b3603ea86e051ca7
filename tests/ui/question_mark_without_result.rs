// Registered by hand, so that it is compiled outside of a test harness as well.
#[resmon::test(__resmon_registered)]
pub fn parses() {
    "1".parse::<u8>()?;
}

fn main() {}
