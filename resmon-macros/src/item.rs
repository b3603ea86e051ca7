use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Error, FnArg, Ident, Pat, Result, ReturnType, Signature, Token, Type, Visibility,
};

use crate::attr;

/// A function that becomes a test.
pub(crate) struct TestFn {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

/// The block of a function, as raw tokens: resmon does not look into it, it may be incomplete, and parsing it would
/// take longer than all the rest.
pub(crate) struct Body {
    /// The attributes of the form `#![…]` at the start of the block.
    pub(crate) attrs: TokenStream,
    pub(crate) statements: Vec<TokenTree>,
    original: Group,
}

impl TestFn {
    pub(crate) fn parse(item: TokenStream) -> Result<Self> {
        let mut head: Vec<TokenTree> = item.into_iter().collect();
        // An item captured as `$item:item` arrives wrapped in a `None`-delimited group.
        while let [TokenTree::Group(group)] = &head[..] {
            head = group.stream().into_iter().collect();
        }
        let body = head.pop_if(|last| matches!(last, TokenTree::Group(_)));
        let (attrs, vis, sig) = parse_head.parse2(head.into_iter().collect())?;
        match body {
            Some(TokenTree::Group(body)) => Ok(TestFn { attrs, vis, sig, body: Body::new(body) }),
            _ => Err(Error::new_spanned(sig, "expected a test with a body")),
        }
    }
}

fn parse_head(input: ParseStream<'_>) -> Result<(Vec<Attribute>, Visibility, Signature)> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    is_function(input)?;
    let sig = input.parse()?;
    is_free(&sig)?;
    // A semicolon, if the body is missing.
    input.parse::<TokenStream>()?;
    Ok((attrs, vis, sig))
}

/// The words that a function can begin with, after its visibility.
const FUNCTION: &[&str] = &["async", "const", "extern", "fn", "unsafe"];

/// Checks that the item is a function. Gives a clearer error than the parser.
fn is_function(input: ParseStream<'_>) -> Result<()> {
    if input.peek(Token![mod]) {
        return Err(input.error(
            "`#[resmon::test]` goes on a test function; to record every test of the crate write \
             `#[cfg(test)] #[macro_use(test)] extern crate resmon;` in its root",
        ));
    }
    match input.fork().parse::<TokenTree>() {
        Ok(TokenTree::Ident(word)) if !FUNCTION.iter().any(|start| word == start) => {
            Err(Error::new(
                word.span(),
                format!("`#[resmon::test]` goes on a test function, found `{word}`"),
            ))
        }
        _ => Ok(()),
    }
}

/// Checks that the function is not a method: a test is called by its path alone.
fn is_free(sig: &Signature) -> Result<()> {
    match sig.receiver() {
        Some(receiver) => Err(Error::new(
            receiver.self_token.span,
            "a test cannot be a method, move it out of the `impl` and drop `self`",
        )),
        None => Ok(()),
    }
}

impl Body {
    fn new(group: Group) -> Self {
        let original = unwrap(group);
        let mut statements: Vec<TokenTree> = original.stream().into_iter().collect();
        let mut length = 0;
        while let [TokenTree::Punct(pound), TokenTree::Punct(bang), TokenTree::Group(_), ..] =
            &statements[length..]
            && (pound.as_char(), bang.as_char()) == ('#', '!')
        {
            length += 3;
        }
        let attrs = statements.drain(..length).collect();
        Body { attrs, statements, original }
    }

    /// Returns a block in place of this one. It keeps the span, so that errors point at the user's braces.
    pub(crate) fn with(&self, statements: TokenStream) -> Group {
        let mut group = Group::new(Delimiter::Brace, statements);
        group.set_span(self.original.span());
        group
    }

    /// Returns the same block with a statement in front of its own.
    pub(crate) fn below(&self, statement: TokenStream) -> Group {
        let mut statements = self.attrs.clone();
        statements.extend(statement);
        statements.extend(self.statements.iter().cloned());
        self.with(statements)
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

/// Unwraps a body captured as `$body:block`, which arrives in a `None`-delimited group.
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
    /// Turns the test into an ordinary function that no macro expands.
    pub(crate) fn make_plain(&mut self) {
        self.attrs.retain(|attr| attr::is_plain(attr) && !attr::registers(attr));
        for input in &mut self.sig.inputs {
            if let FnArg::Typed(argument) = input {
                argument.attrs.clear();
            }
        }
    }

    /// Returns the return type. `None` for `()` and `!`, which cannot express failure.
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

    /// Returns the names of the arguments. `None` if they cannot be passed on to a function of the same signature.
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

/// Returns a type without parentheses, and without the group that `$ty:ty` puts around it.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        ty => ty,
    }
}
