use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::{Attribute, Error, Result};

use crate::args::Args;
use crate::attr;
use crate::item::TestFn;
use crate::registered::is_registered;
use crate::relocate::relocate;
use crate::shape::{Shape, is_expanded};
use crate::valid;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(args, item.clone()) {
        Ok(expanded) => expanded,
        // The item stays, so that the compiler does not report it as missing.
        Err(error) => {
            let mut tokens = error.into_compile_error();
            tokens.extend(item);
            tokens
        }
    }
}

fn try_expand(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut test = TestFn::parse(item)?;
    let args: Args = syn::parse2(args)?;
    if let Some(inner) = &args.inner {
        let inner = Attribute::parse_outer.parse2(quote!(#[#inner]))?;
        test.attrs.splice(0..0, inner);
    }
    if let Some(again) = test.attrs.iter().find(|attr| attr::is_resmon(attr, &args)) {
        if is_crate_wide() {
            return Ok(test.into_token_stream());
        }
        return Err(Error::new_spanned(
            again,
            "`#[resmon::test]` is here twice, remove one of them",
        ));
    }
    if let Err(error) = valid::is_runnable(&test).and_then(|()| valid::may_fail(&args, &test)) {
        // Other attributes would report the same mistake.
        test.make_plain();
        let error = error.into_compile_error();
        return Ok(quote!(#error #test));
    }
    if let Some(moved) = relocate(&args, &test) {
        return Ok(moved);
    }
    // An attribute in the arguments is a test attribute, whatever its name.
    let registered = args.registered || args.inner.is_some() || is_registered(&test);
    if !registered && !test.attrs.iter().any(attr::registers) {
        if !is_crate_wide() {
            valid::is_known(&test)?;
        }
        // Last, because other attributes look there before they add their own.
        let attr = Attribute::parse_outer.parse2(quote!(#[::core::prelude::v1::test]))?;
        test.attrs.extend(attr);
    }
    // With the crate-wide switch the `#[test]` of `#[resmon::test] #[test]` is resmon again.
    if is_expanded(&test.body) {
        return Ok(test.into_token_stream());
    }
    Ok(Shape::of(&test).expand(&args, &test))
}

/// Whether this is the `#[test]` of a crate that has switched resmon on for all its tests.
fn is_crate_wide() -> bool {
    Span::call_site().source_text().is_some_and(|text| text == "#[test]")
}
