//! Some attributes make several tests of one function, or judge it after its body has ended.
//! A guard in that body would tell neither the cases apart nor what became of them, so resmon
//! steps below such an attribute and is applied to what it makes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Attribute, Meta};

use crate::args::{Args, REGISTERED};
use crate::attr;
use crate::item::TestFn;

/// The item with resmon below the attribute that has the last word on it, if there is one.
pub(crate) fn relocate(args: &Args, test: &TestFn) -> Option<TokenStream> {
    let position = test.attrs.iter().position(has_the_last_word)?;
    let (above, below) = test.attrs.split_at(position + 1);
    let TestFn { vis, sig, body, .. } = test;
    let krate = &args.krate;

    // rstest takes either a test attribute or one of its own that contains it.
    if let Some(explicit) = below.iter().position(|attr| attr.path().is_ident("test_attr"))
        && let Meta::List(list) = &below[explicit].meta
    {
        let inner = &list.tokens;
        let (before, after) = (&below[..explicit], &below[explicit + 1..]);
        return Some(quote! {
            #(#above)* #(#before)*
            #[test_attr(#krate::test(crate = #krate, #inner))]
            #(#after)* #vis #sig #body
        });
    }
    let marker = prepends_test(&above[position]).then(|| Ident::new(REGISTERED, Span::call_site()));
    Some(quote! {
        #(#above)*
        #[#krate::test(crate = #krate, #marker)]
        #(#below)* #vis #sig #body
    })
}

fn has_the_last_word(attr: &Attribute) -> bool {
    const GENERATORS: &[&str] =
        &["case", "gtest", "proptest", "quickcheck", "rstest", "test_case", "test_matrix"];
    let path = attr.path();
    let is_googletest = path.segments.len() == 2 && path.segments[0].ident == "googletest";
    attr::last_is(path, GENERATORS) || is_googletest && attr::last_is(path, &["test"])
}

/// Whether the attribute puts `#[test]` in front of all others, so that resmon must not add one:
/// the compiler takes them from the top, and by the time resmon runs that one is gone.
fn prepends_test(attr: &Attribute) -> bool {
    attr::last_is(attr.path(), &["case", "quickcheck", "test_case", "test_matrix"])
}
