//! Systems without the locks that tell a dead process from a living one: nothing is kept.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use crate::line::Line;

#[derive(Clone, Debug)]
pub(crate) struct Spool(Infallible);

#[derive(Debug)]
pub(crate) struct Journal(Infallible);

#[derive(Debug)]
#[expect(dead_code, reason = "what it names is not kept")]
pub(crate) enum Destination {
    File(PathBuf),
    #[cfg(feature = "tinybird")]
    Tinybird(String),
}

impl Spool {
    pub(crate) fn open(_wanted: Option<&Path>) -> Option<Self> {
        None
    }

    pub(crate) fn end_crashed_sessions(&self, _own: Option<&str>) {
        match self.0 {}
    }
}

#[cfg(feature = "tinybird")]
pub(crate) use self::sending::{Left, Live, Run, fingerprint};

/// What the sender would find in a spool.
#[cfg(feature = "tinybird")]
mod sending {
    use std::convert::Infallible;
    use std::io;
    use std::ops::Range;
    use std::path::{Path, PathBuf};

    use super::Spool;

    #[derive(Debug)]
    pub(crate) struct Live(Infallible);

    #[derive(Debug)]
    pub(crate) struct Left(Infallible);

    #[derive(Debug)]
    pub(crate) struct Run(Infallible);

    #[derive(Debug)]
    pub(crate) struct Chunk {
        pub(crate) body: Vec<u8>,
        pub(crate) records: u64,
        never: Infallible,
    }

    pub(crate) fn fingerprint(_parts: &[&str]) -> String {
        String::new()
    }

    impl Spool {
        pub(crate) fn directory(&self) -> &Path {
            match self.0 {}
        }

        pub(crate) fn count_left(&self, _destination: &str) -> usize {
            match self.0 {}
        }

        pub(crate) fn left(&self, _destination: &str) -> io::Result<Option<Left>> {
            match self.0 {}
        }

        pub(crate) fn drop_oldest(&self) {
            match self.0 {}
        }
    }

    impl Live {
        pub(crate) fn create(spool: &Spool, _id: &str, _destination: &str) -> io::Result<Self> {
            match spool.0 {}
        }

        pub(crate) fn append(&self, _line: &[u8]) -> io::Result<Range<u64>> {
            match self.0 {}
        }

        pub(crate) fn read(&self, _place: &Range<u64>) -> io::Result<Vec<u8>> {
            match self.0 {}
        }

        pub(crate) fn erase(&self, _place: &Range<u64>) {
            match self.0 {}
        }

        pub(crate) fn is_full(&self) -> bool {
            match self.0 {}
        }

        pub(crate) fn directory(&self) -> Option<PathBuf> {
            match self.0 {}
        }

        pub(crate) fn descriptor(&self) -> Option<i32> {
            match self.0 {}
        }

        pub(crate) fn leave(&self) -> io::Result<()> {
            match self.0 {}
        }

        pub(crate) fn remove(&self) {
            match self.0 {}
        }
    }

    impl Left {
        pub(crate) fn next(&mut self, _most_bytes: usize) -> Option<Chunk> {
            match self.0 {}
        }

        pub(crate) fn keep(&mut self) {
            match self.0 {}
        }
    }

    impl Chunk {
        pub(crate) fn forget(&self) {
            match self.never {}
        }
    }

    impl Run {
        pub(crate) fn join(spool: &Spool, _run_id: &str) -> io::Result<Self> {
            match spool.0 {}
        }

        pub(crate) fn leave(&self) {
            match self.0 {}
        }

        pub(crate) fn goes_on(&self) -> bool {
            match self.0 {}
        }
    }
}

impl Journal {
    pub(crate) fn create(
        spool: &Spool,
        _session_id: &str,
        _destination: Destination,
        _common: &Line,
        _totals: &Line,
    ) -> Result<Self, Infallible> {
        match spool.0 {}
    }

    pub(crate) fn mark(&self, _slot: usize, _test: &Line) {
        match self.0 {}
    }

    pub(crate) fn clear(&self, _slot: usize) {
        match self.0 {}
    }

    pub(crate) fn end(&self) {
        match self.0 {}
    }

    pub(crate) fn remove(&self) {
        match self.0 {}
    }
}
