//! placeholder
use crate::{outcome::Outcome, site::Site};
/// placeholder
#[derive(Debug)]
pub struct Guard(());
/// placeholder
pub fn enter(_site: &'static Site) -> Guard { Guard(()) }
impl Guard {
    /// Ends the measurement with this outcome, whatever the thread's panic state says.
    pub fn finish(self, _outcome: Outcome) {}
}
