use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, LitStr, Path, Result, Token, parenthesized};

use crate::budget::{self, Budget};

/// The argument that says that another attribute has already put `#[test]` on the function.
pub(crate) const REGISTERED: &str = "__resmon_registered";

/// The arguments of `#[resmon::test(…)]`.
pub(crate) struct Args {
    /// The path of resmon in the expansion.
    pub(crate) krate: Path,
    /// Whether the path was given, and must be repeated where resmon is applied again.
    pub(crate) is_renamed: bool,
    /// A test attribute to emit below, with its arguments unchanged.
    pub(crate) inner: Option<TokenStream>,
    /// Whether to add only the guard.
    pub(crate) registered: bool,
    /// The limits that the test must keep to.
    pub(crate) budget: Budget,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut krate = None;
        let mut inner = None;
        let mut registered = false;
        let mut budget = Budget::default();
        while !input.is_empty() {
            if input.peek(Token![crate]) && !input.peek2(Token![::]) {
                let keyword: Token![crate] = input.parse()?;
                if krate.replace(parse_crate(input, keyword.span)?).is_some() {
                    return Err(Error::new(keyword.span, "`crate` is given twice"));
                }
            } else {
                let path = parse_path(input)?;
                if path.is_ident(REGISTERED) {
                    registered = true;
                } else if let Some(name) = path.get_ident().filter(|name| budget::is_name(name)) {
                    budget.parse(name, input)?;
                } else {
                    let attribute = parse_attribute(input, &path)?;
                    if inner.replace(attribute).is_some() {
                        return Err(Error::new_spanned(
                            path,
                            "only one test attribute goes in here, write the other below `#[resmon::test]`",
                        ));
                    }
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let is_renamed = krate.is_some();
        let krate = krate.unwrap_or_else(|| syn::parse_quote!(::resmon));
        Ok(Args { krate, is_renamed, inner, registered, budget })
    }
}

impl Args {
    /// Returns the path of the only module of resmon that the expansion names.
    pub(crate) fn private(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }

    /// Returns `resmon::test` for another attribute, with these arguments and the same crate.
    pub(crate) fn again(&self, arguments: &TokenStream) -> TokenStream {
        let krate = &self.krate;
        let budget = self.budget.arguments();
        let arguments = quote!(#budget #arguments);
        match (self.is_renamed, arguments.is_empty()) {
            (false, true) => quote!(#krate::test),
            (false, false) => quote!(#krate::test(#arguments)),
            (true, _) => quote!(#krate::test(crate = #krate, #arguments)),
        }
    }
}

/// Parses `= path`, after `crate`.
fn parse_crate(input: ParseStream<'_>, keyword: Span) -> Result<Path> {
    if !input.peek(Token![=]) {
        return Err(Error::new(keyword, "expected `crate = path::to::resmon`"));
    }
    input.parse::<Token![=]>()?;
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let path = text.value();
        return Err(Error::new(text.span(), format!("expected a path, write `crate = {path}`")));
    }
    input.call(Path::parse_mod_style)
}

fn parse_path(input: ParseStream<'_>) -> Result<Path> {
    if input.peek(Token![::]) || input.peek(Ident::peek_any) {
        return input.call(Path::parse_mod_style);
    }
    Err(input
        .error("expected a test attribute such as `tokio::test`, or `crate = path::to::resmon`"))
}

/// Parses the rest of a test attribute. Its arguments are passed through verbatim.
fn parse_attribute(input: ParseStream<'_>, path: &Path) -> Result<TokenStream> {
    if input.peek(Token![=]) {
        let name = quote!(#path).to_string();
        return Err(Error::new_spanned(
            path,
            format!(
                "unknown option `{name}`, expected `crate = path::to::resmon` or a test attribute such as `tokio::test`"
            ),
        ));
    }
    if let Some(name) = path.get_ident().filter(|name| is_own_attribute(name)) {
        return Err(Error::new_spanned(
            name,
            format!(
                "`{name}` is an attribute of its own, write `#[{name}]` below `#[resmon::test]`"
            ),
        ));
    }
    if input.peek(syn::token::Paren) {
        let arguments;
        let parentheses = parenthesized!(arguments in input);
        let arguments: TokenStream = arguments.parse()?;
        let mut group = Group::new(Delimiter::Parenthesis, arguments);
        group.set_span(parentheses.span.join());
        return Ok(quote!(#path #group));
    }
    Ok(quote!(#path))
}

fn is_own_attribute(name: &Ident) -> bool {
    name == "should_panic" || name == "ignore"
}
