//! Moves resmon below attributes that make several tests of one function, or judge it after its body has ended. A guard
//! in that body could tell neither the cases apart nor their outcomes, so resmon is applied to the functions that such
//! an attribute generates.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Meta};

use crate::args::{Args, REGISTERED};
use crate::attr;
use crate::item::TestFn;
use crate::known::{Effect, has_effect};

/// Returns the item with resmon below the attribute that decides about its outcome. `None` if there is none.
pub(crate) fn relocate(args: &Args, test: &TestFn) -> Option<TokenStream> {
    let position = test.attrs.iter().position(has_the_last_word)?;
    let TestFn { attrs, vis, sig, body } = test;

    // rstest takes either a test attribute, or `#[test_attr(…)]` with one in it.
    if let Some(explicit) = attrs.iter().position(|attr| attr.path().is_ident("test_attr"))
        && let Meta::List(inner) = &attrs[explicit].meta
    {
        let (before, after) = (&attrs[..explicit], &attrs[explicit + 1..]);
        let again = args.again(&inner.tokens);
        return Some(quote!(#(#before)* #[test_attr(#again)] #(#after)* #vis #sig #body));
    }
    let again = args.again(&if has_effect(attrs[position].path(), Effect::PrependsTest) {
        Ident::new(REGISTERED, Span::call_site()).into_token_stream()
    } else {
        TokenStream::new()
    });
    // rstest gives attributes above a `#[case]` to that case alone.
    let last_case = attrs.iter().rposition(is_case).unwrap_or(0);
    let (above, below) = attrs.split_at(position.max(last_case) + 1);
    Some(quote!(#(#above)* #[#again] #(#below)* #vis #sig #body))
}

fn has_the_last_word(attr: &Attribute) -> bool {
    has_effect(attr.path(), Effect::JudgesTest) || is_template(attr)
}

/// Whether the attribute is like `#[apply(cases)]`, of the crate `rstest_reuse`.
fn is_template(attr: &Attribute) -> bool {
    let is_bang = |token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!');
    match &attr.meta {
        Meta::List(list) if attr::is_apply(&list.path) => {
            !list.tokens.clone().into_iter().any(is_bang)
        }
        _ => false,
    }
}

/// Whether the attribute is `#[case(…)]` or `#[case::name(…)]`.
fn is_case(attr: &Attribute) -> bool {
    attr.path().segments[0].ident == "case"
}
