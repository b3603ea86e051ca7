//! The budgets of a test, and what to say about one that is exceeded.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use resmon_record::fields::After;

use crate::entry::site::Budget;
use crate::write::warning::warn;

/// The budgets that could not be checked: a bit for each, in the order in which they are checked.
static WARNED: AtomicU8 = AtomicU8::new(0);

/// A limit that a test has exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    name: &'static str,
    what: &'static str,
    limit: Amount,
    used: Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Bytes(u64),
    Nanos(u64),
    Count(u64),
}

/// A figure of a test, or the reason why it is not known.
type Figure = Result<u64, &'static str>;

/// A budget: its name, the words in front of its figure, the limit, the figure, and their unit.
type Check = (&'static str, &'static str, Option<u64>, Figure, fn(u64) -> Amount);

/// Returns the first limit that the test has exceeded. Warns once per process and limit of a figure that is not known.
pub(crate) fn exceeded(budget: &Budget, after: &After) -> Option<Excess> {
    const NO_ALLOC: &str = "resmon::Alloc is not the global allocator";
    let was_alone = after.cpu_scope == Some("process");
    let heap = |figure: Option<u64>| figure.ok_or(NO_ALLOC);
    let resident = match after.rss_peak {
        Some(peak) if was_alone => Ok(peak),
        Some(_) => Err("other tests ran in the process at the same time"),
        None => Err("this system does not tell it"),
    };
    let cpu = after.cpu_user_s.zip(after.cpu_system_s).map(|(user, system)| user + system);
    let cpu = cpu.map(nanos).ok_or("this system does not tell it");
    let limits: [Check; 5] = [
        (
            "max_heap",
            "the heap peaked at",
            budget.max_heap,
            heap(after.alloc_peak_bytes),
            Amount::Bytes,
        ),
        ("max_allocs", "allocations:", budget.max_allocs, heap(after.alloc_count), Amount::Count),
        ("max_rss", "resident memory peaked at", budget.max_rss, resident, Amount::Bytes),
        ("max_time", "it took", budget.max_time, Ok(nanos(after.duration_s)), Amount::Nanos),
        ("max_cpu", "it used the CPU for", budget.max_cpu, cpu, Amount::Nanos),
    ];
    let mut first = None;
    for (bit, (name, what, limit, figure, amount)) in limits.into_iter().enumerate() {
        let Some(limit) = limit else { continue };
        match figure {
            Ok(used) if used > limit => {
                let (limit, used) = (amount(limit), amount(used));
                first = first.or(Some(Excess { name, what, limit, used }));
            }
            Ok(_) => {}
            Err(reason) => {
                if WARNED.fetch_or(1 << bit, Ordering::Relaxed) & 1 << bit == 0 {
                    warn(format_args!("{name} is not checked: {reason}"));
                }
            }
        }
    }
    first
}

fn nanos(seconds: f64) -> u64 {
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, what, limit, used } = self;
        write!(f, "over budget: {what} {used}, {name} is {limit}; ")?;
        match used.with_room() {
            Amount::Count(count) => write!(f, "write `{name} = {count}` to allow it"),
            amount => write!(f, "write `{name} = \"{amount}\"` to allow it"),
        }
    }
}

impl Amount {
    /// Returns a limit that leaves some room above this amount, a whole number of its unit.
    fn with_room(self) -> Self {
        let tenth_more = |number: u64| number.saturating_add(number.div_ceil(10));
        let whole = |number: u64, units: &[(&str, u64)]| {
            let (_, factor) = unit_of(number, units);
            number.div_ceil(factor) * factor
        };
        match self {
            Self::Bytes(bytes) => Self::Bytes(whole(tenth_more(bytes), BYTES)),
            Self::Nanos(nanos) => Self::Nanos(whole(tenth_more(nanos), TIMES)),
            Self::Count(count) => Self::Count(count),
        }
    }
}

const BYTES: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const TIMES: &[(&str, u64)] = &[("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000), ("ns", 1)];

/// Returns the largest unit that the number has at least one of.
fn unit_of<'a>(number: u64, units: &[(&'a str, u64)]) -> (&'a str, u64) {
    let fits = units.iter().find(|(_, factor)| number >= *factor);
    fits.or(units.last()).copied().unwrap_or(("", 1))
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, units) = match self {
            Self::Bytes(bytes) => (*bytes, BYTES),
            Self::Nanos(nanos) => (*nanos, TIMES),
            Self::Count(count) => return write!(f, "{count}"),
        };
        let (unit, factor) = unit_of(number, units);
        // Rounded up, so that an excess is not shown as equal to its limit.
        let tenths = (u128::from(number) * 10).div_ceil(u128::from(factor));
        match tenths % 10 {
            0 => write!(f, "{} {unit}", tenths / 10),
            tenth => write!(f, "{}.{tenth} {unit}", tenths / 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excess_says_what_to_write() {
        let text = |name, limit, used| Excess { name, what: "it took", limit, used }.to_string();
        assert_eq!(
            text("max_heap", Amount::Bytes(1 << 20), Amount::Bytes(3_300_000)),
            "over budget: it took 3.2 MiB, max_heap is 1 MiB; write `max_heap = \"4 MiB\"` to allow it"
        );
        assert_eq!(
            text("max_time", Amount::Nanos(2_000_000_000), Amount::Nanos(2_000_000_001)),
            "over budget: it took 2.1 s, max_time is 2 s; write `max_time = \"3 s\"` to allow it"
        );
        assert_eq!(
            text("max_allocs", Amount::Count(10), Amount::Count(11)),
            "over budget: it took 11, max_allocs is 10; write `max_allocs = 11` to allow it"
        );
        assert_eq!(Amount::Bytes(0).to_string(), "0 B");
    }
}
