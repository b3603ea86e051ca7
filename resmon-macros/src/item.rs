use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Error, FnArg, Ident, Pat, Result, ReturnType, Signature, Type, Visibility};

use crate::{attr, valid};

/// A function that is to be a test. The statements stay raw tokens: they are none of
/// resmon's business, and may be half written.
pub(crate) struct TestFn {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

/// The block of a function.
pub(crate) struct Body {
    /// The attributes of the form `#![…]` at its head.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) statements: TokenStream,
    original: Group,
}

impl Parse for TestFn {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        valid::is_function(input)?;
        let sig: Signature = input.parse()?;
        valid::is_free(&sig)?;
        let body = input.parse()?;
        Ok(TestFn { attrs, vis, sig, body })
    }
}

impl Parse for Body {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let original = match input.parse()? {
            TokenTree::Group(group) => unwrap(group),
            other => return Err(Error::new(other.span(), "expected the body of the test")),
        };
        let (attrs, statements) = head_and_rest.parse2(original.stream())?;
        Ok(Body { attrs, statements, original })
    }
}

impl Body {
    /// A block in the place of this one, so that errors about either point at the user's braces.
    pub(crate) fn with(&self, statements: TokenStream) -> Group {
        let mut group = Group::new(Delimiter::Brace, statements);
        group.set_span(self.original.span());
        group
    }

    /// Whether the first statement is a `let` of this name.
    pub(crate) fn begins_with(&self, variable: &str) -> bool {
        let second = self.statements.clone().into_iter().nth(1);
        matches!(second, Some(TokenTree::Ident(ident)) if ident == variable)
    }
}

impl ToTokens for Body {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.original.to_tokens(tokens);
    }
}

impl ToTokens for TestFn {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let TestFn { attrs, vis, sig, body } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

fn head_and_rest(input: ParseStream<'_>) -> Result<(Vec<Attribute>, TokenStream)> {
    Ok((input.call(Attribute::parse_inner)?, input.parse()?))
}

/// The braces of a body that came through `$body:block` lie in a group of their own.
fn unwrap(group: Group) -> Group {
    if group.delimiter() != Delimiter::None {
        return group;
    }
    match group.stream().into_iter().next() {
        Some(TokenTree::Group(inner)) => unwrap(inner),
        _ => group,
    }
}

impl TestFn {
    /// Makes an ordinary function of it, that no macro looks at.
    pub(crate) fn make_plain(&mut self) {
        self.attrs.retain(|attr| attr::is_plain(attr) && !attr::registers(attr));
        for input in &mut self.sig.inputs {
            if let FnArg::Typed(argument) = input {
                argument.attrs.clear();
            }
        }
    }

    /// The return type, where it is one that can tell success from failure.
    pub(crate) fn result_type(&self) -> Option<&Type> {
        let ReturnType::Type(_, ty) = &self.sig.output else {
            return None;
        };
        match bare(ty) {
            Type::Tuple(unit) if unit.elems.is_empty() => None,
            Type::Never(_) => None,
            ty => Some(ty),
        }
    }

    /// The names by which the arguments can be handed on to a function of the same signature.
    pub(crate) fn arguments(&self) -> Option<Vec<&Ident>> {
        if self.sig.generics.type_params().next().is_some()
            || self.sig.generics.const_params().next().is_some()
        {
            return None;
        }
        let names = self.sig.inputs.iter().map(|input| match input {
            FnArg::Typed(argument) if argument.attrs.is_empty() => match &*argument.pat {
                Pat::Ident(name)
                    if name.by_ref.is_none()
                        && name.subpat.is_none()
                        && name.ident != self.sig.ident =>
                {
                    Some(&name.ident)
                }
                _ => None,
            },
            _ => None,
        });
        names.collect()
    }
}

/// The type in its parentheses, or in the group that `$ty:ty` leaves around it.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        ty => ty,
    }
}
