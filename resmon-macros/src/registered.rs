//! Detection of a `#[test]` that resmon cannot see. Some attributes put `#[test]` in front of all others. The compiler
//! takes attributes from the top, so that `#[test]` is gone when resmon runs below them, and a second one would run the
//! test twice. Other traces of such an attribute reveal it.

use proc_macro2::{Delimiter, Group, Ident, TokenTree};
use syn::{Attribute, Meta};

use crate::item::TestFn;

/// Whether the test has its `#[test]`, although none is visible.
pub(crate) fn is_registered(test: &TestFn) -> bool {
    test.sig.asyncness.is_none()
        && (test.attrs.iter().any(is_left_by_test_case)
            || is_left_by_runtime(&test.body.statements))
}

/// Whether this is `#[allow(clippy::bool_assert_comparison)]`, which `#[test_case]` puts on each case.
fn is_left_by_test_case(attr: &Attribute) -> bool {
    match &attr.meta {
        Meta::List(allow) if allow.path.is_ident("allow") => allow.tokens.clone().into_iter().any(
            |token| matches!(token, TokenTree::Ident(lint) if lint == "bool_assert_comparison" && is_generated(&lint)),
        ),
        _ => false,
    }
}

/// Whether the body is `<::actix_rt::System>::new().block_on(async { … })` or `async_std::task::block_on(async { … })`.
/// With `async move` it is from the attribute of a main function, which is no test yet.
fn is_left_by_runtime(statements: &[TokenTree]) -> bool {
    const RUNTIMES: &[&str] = &["actix_rt", "actix_web", "async_std"];
    let [.., TokenTree::Ident(method), TokenTree::Group(arguments)] = statements else {
        return false;
    };
    let runtime = statements.iter().find_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    });
    method == "block_on"
        && runtime
            .is_some_and(|name| RUNTIMES.iter().any(|known| name == known) && is_generated(name))
        && is_async_block(arguments)
}

fn is_async_block(arguments: &Group) -> bool {
    let mut tokens = arguments.stream().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(keyword)), Some(TokenTree::Group(block))) => {
            keyword == "async" && block.delimiter() == Delimiter::Brace
        }
        _ => false,
    }
}

/// Whether a macro generated this word: then its source text is the call of that macro.
fn is_generated(word: &Ident) -> bool {
    word.span().source_text().is_some_and(|text| *word != text)
}
