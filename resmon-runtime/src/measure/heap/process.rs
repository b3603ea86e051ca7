//! The balance of the process: bytes that its threads have allocated and not freed, as far as they have reported them.

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

static BALANCE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

pub(super) fn add(bytes: i64) {
    let balance = BALANCE.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    if balance > PEAK.load(Relaxed) {
        PEAK.fetch_max(balance, Relaxed);
    }
}

pub(super) fn balance() -> i64 {
    BALANCE.load(Relaxed)
}

/// Returns the highest balance since the last call.
pub(super) fn take_peak() -> i64 {
    let balance = balance();
    PEAK.swap(balance, Relaxed).max(balance)
}
