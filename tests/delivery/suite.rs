//! The tests that the drivers run. All of them pass in an ordinary run.

/// Number of tests: two batches of 50 and a rest.
pub(crate) const TESTS: usize = 120;

macro_rules! tests {
    ($($name:ident)*) => { $(
        #[resmon::test]
        fn $name() {}
    )* };
}

macro_rules! ten_each {
    ($($module:ident)*) => { $(
        mod $module {
            tests! { t0 t1 t2 t3 t4 t5 t6 t7 t8 t9 }
        }
    )* };
}

ten_each! { a b c d e f g h i j k l }
