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
/// `crate = path` names resmon where it is renamed or re-exported:
/// `#[resmon::test(crate = my_tools::resmon)]`.
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(args.into(), item.into()).into()
}
