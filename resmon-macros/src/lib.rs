//! The attribute of [resmon](https://docs.rs/resmon). Use it through that crate.

mod args;
mod attr;
mod budget;
mod build;
mod expand;
mod item;
mod known;
mod registered;
mod relocate;
mod shape;
#[cfg(test)]
mod snapshots;
mod valid;

use proc_macro::TokenStream;

/// Marks a test and records what it does to the machine.
///
/// Use it in place of `#[test]`, or above any other test attribute:
///
/// ```ignore
/// #[resmon::test]
/// fn plain() {}
///
/// #[resmon::test]
/// #[tokio::test]
/// async fn stacked() {}
///
/// #[resmon::test(tokio::test(flavor = "multi_thread", worker_threads = 2))]
/// async fn in_one_line() {}
/// ```
///
/// Budgets fail a test that needs more: `max_heap` (peak of the heap) and `max_allocs` (number of allocations), both
/// counted by `resmon::Alloc`, `max_rss` (peak of the process, for a test that is alone in it), `max_time` and `max_cpu`.
/// A limit whose figure is not known is not checked, which is said once.
///
/// ```ignore
/// #[resmon::test(max_heap = "64 MiB", max_allocs = 1000, max_rss = "1 GiB", max_time = "2 s", max_cpu = "500 ms")]
/// fn stays_small() {}
/// ```
///
/// `crate = path` names resmon where it is renamed or re-exported:
/// `#[resmon::test(crate = my_tools::resmon)]`.
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(args.into(), item.into()).into()
}
