//! Systems on which files are written to by calls only.

use std::convert::Infallible;
use std::fs::File;

#[derive(Debug)]
pub(super) struct Mapping(Infallible);

impl Mapping {
    pub(super) fn of(_file: &File, _offset: u64, _length: usize) -> Option<Self> {
        None
    }

    pub(super) fn write(&self, _place: usize, _bytes: &[u8]) {
        match self.0 {}
    }
}
