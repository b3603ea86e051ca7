//! Stand-ins without the feature `alloc`: the heap usage is unknown.

#[derive(Debug, Default)]
pub(crate) struct Used {
    pub(crate) count: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) peak: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Watch;

#[derive(Debug)]
pub(crate) struct Suspended;

#[expect(clippy::unused_self, reason = "there is nothing to watch")]
impl Watch {
    pub(crate) const fn new() -> Self {
        Self
    }

    pub(crate) fn start(&self) {}

    pub(crate) fn end(&self, _alone: bool, _on_its_thread: bool) -> Used {
        Used::default()
    }
}

pub(crate) fn fold<'a>(_open: impl Iterator<Item = &'a Watch>) {}

pub(crate) fn suspend() -> Suspended {
    Suspended
}

pub(crate) fn exempt() {}
