use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, MetaNameValue, Path, Token};

use crate::args::Args;
use crate::known::{Effect, has_effect};

/// Attributes of the language and its tools: they neither run a test nor feed it.
const PLAIN: &[&str] = &[
    "allow",
    "cfg",
    "cfg_attr",
    "clippy",
    "cold",
    "coverage",
    "deny",
    "deprecated",
    "diagnostic",
    "doc",
    "expect",
    "forbid",
    "ignore",
    "inline",
    "must_use",
    "no_mangle",
    "rustfmt",
    "should_panic",
    "test",
    "track_caller",
    "warn",
];

/// Whether the attribute is resmon's again.
pub(crate) fn is_resmon(attr: &Attribute, args: &Args) -> bool {
    let names = |path: &Path| path.segments.iter().map(|s| s.ident.to_string()).collect::<Vec<_>>();
    let path = names(attr.path());
    let (Some(last), front) = (path.last(), &path[..path.len().saturating_sub(1)]) else {
        return false;
    };
    last == "test" && (front == ["resmon"] || front == names(&args.krate))
}

/// Whether an attribute puts `#[test]` on the function, or on functions that it generates.
pub(crate) fn registers(attr: &Attribute) -> bool {
    has_effect(attr.path(), Effect::RegistersTest) || applies_test(attr)
}

/// Whether the attribute is like `#[apply(smol_macros::test!)]`, of the crate `macro_rules_attribute`.
fn applies_test(attr: &Attribute) -> bool {
    let is_test = |token| matches!(token, TokenTree::Ident(ident) if ident == "test");
    match &attr.meta {
        Meta::List(list) => is_apply(&list.path) && list.tokens.clone().into_iter().any(is_test),
        _ => false,
    }
}

/// `#[apply(…)]`, of the crates `macro_rules_attribute` and `rstest_reuse`
pub(crate) fn is_apply(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "apply")
}

/// Whether the attribute could neither supply arguments nor run anything.
pub(crate) fn is_plain(attr: &Attribute) -> bool {
    let segments = &attr.path().segments;
    let is_known = PLAIN.iter().any(|name| segments[0].ident == name);
    is_known && (segments.len() == 1 || segments[0].ident != "test")
}

/// Whether some attribute here could turn an `async fn` into one that libtest can call.
pub(crate) fn may_run_async(attrs: &[Attribute]) -> bool {
    let runs = |attr: &Attribute| has_effect(attr.path(), Effect::RunsAsync) || applies_test(attr);
    attrs.iter().any(runs) || !(attrs.iter().all(is_plain) || attrs.iter().any(registers))
}

/// The variant of `ShouldPanic` that stands for the function's `#[should_panic]`.
pub(crate) enum ShouldPanic {
    No,
    Yes,
    With(Lit),
}

impl ShouldPanic {
    pub(crate) fn of(attrs: &[Attribute]) -> Self {
        let Some(attr) = attrs.iter().find(|attr| attr.path().is_ident("should_panic")) else {
            return ShouldPanic::No;
        };
        let text = match &attr.meta {
            Meta::NameValue(name_value) => literal(&name_value.value),
            Meta::List(list) => Punctuated::<MetaNameValue, Token![,]>::parse_terminated
                .parse2(list.tokens.clone())
                .ok()
                .and_then(|options| {
                    options.into_iter().find(|option| option.path.is_ident("expected"))
                })
                .and_then(|option| literal(&option.value)),
            Meta::Path(_) => None,
        };
        text.map_or(ShouldPanic::Yes, ShouldPanic::With)
    }

    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            ShouldPanic::No => quote!(No),
            ShouldPanic::Yes => quote!(Yes),
            ShouldPanic::With(text) => quote!(With(#text)),
        }
    }
}

fn literal(value: &Expr) -> Option<Lit> {
    match value {
        Expr::Lit(ExprLit { lit: lit @ Lit::Str(_), .. }) => Some(lit.clone()),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}
