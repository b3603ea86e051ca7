//! Checks for mistakes of which the compiler says too little.

use quote::quote;
use syn::{Attribute, Error, Result};

use crate::args::Args;
use crate::attr;
use crate::item::TestFn;
use crate::known;

/// Rejects an attribute that may register the test: with a second `#[test]` the test would run twice.
pub(crate) fn is_known(test: &TestFn) -> Result<()> {
    match test.attrs.iter().map(Attribute::path).find(|path| known::may_register(path)) {
        Some(path) => {
            let name = quote!(#path).to_string().replace(' ', "");
            Err(Error::new_spanned(
                path,
                format!(
                    "`#[{name}]` is not known to resmon: if it makes a test of the function, put it into the \
                     parentheses of `#[resmon::test(…)]`; if not, write `#[test]` below it"
                ),
            ))
        }
        None => Ok(()),
    }
}

/// Rejects a budget of a test that should panic: it could not make that test fail.
pub(crate) fn may_fail(args: &Args, test: &TestFn) -> Result<()> {
    match args.budget.first() {
        Some(name) if test.attrs.iter().any(|attr| attr.path().is_ident("should_panic")) => {
            Err(Error::new(
                name.span(),
                "a budget cannot fail a test that should panic, remove one of the two",
            ))
        }
        _ => Ok(()),
    }
}

/// Checks for mistakes about which the compiler's own errors do not tell what to write.
pub(crate) fn is_runnable(test: &TestFn) -> Result<()> {
    let sig = &test.sig;
    if let Some(constness) = &sig.constness {
        return Err(Error::new(
            constness.span,
            "a test that is measured cannot be `const`, remove the keyword",
        ));
    }
    if let Some(asyncness) = &sig.asyncness
        && !attr::may_run_async(&test.attrs)
    {
        return Err(Error::new(
            asyncness.span,
            "an async test needs a runtime, write `#[resmon::test(tokio::test)]`, or put \
             `#[tokio::test]` or that of another runtime below `#[resmon::test]`",
        ));
    }
    if !sig.inputs.is_empty() && test.attrs.iter().all(attr::is_plain) {
        return Err(Error::new_spanned(
            &sig.inputs,
            "a test takes no arguments, remove them or put an attribute that supplies them, such \
             as `#[rstest]` or `#[test_case(…)]`, below `#[resmon::test]`",
        ));
    }
    Ok(())
}
