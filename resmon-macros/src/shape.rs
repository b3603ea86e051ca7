use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{FnArg, Lit, Pat, Path, Signature, Type, TypeParamBound};

use crate::args::Args;
use crate::attr::ShouldPanic;
use crate::item::TestFn;

/// The guard's variable.
pub(crate) const GUARD: &str = "__resmon_guard";

/// How the expansion learns what became of the test.
pub(crate) enum Shape {
    /// Whether it panics says all there is to know, or all that can be known.
    Guard { opaque: bool },
    /// The value that it returns.
    Value,
    /// The exit code that its value reports: of `impl Termination` nothing else can be asked.
    ExitCode,
    /// The message of its panic, which should contain this text.
    Message(Lit),
}

impl Shape {
    pub(crate) fn of(test: &TestFn) -> Self {
        let panic = ShouldPanic::of(&test.attrs);
        let callable = test.arguments().is_some();
        match test.result_type() {
            None => match panic {
                ShouldPanic::With(expected) if callable => Shape::Message(expected),
                _ => Shape::Guard { opaque: false },
            },
            Some(Type::ImplTrait(ty)) if callable && ty.bounds.iter().any(is_termination) => {
                Shape::ExitCode
            }
            Some(_) if callable => Shape::Value,
            Some(_) => Shape::Guard { opaque: true },
        }
    }

    pub(crate) fn expand(&self, args: &Args, test: &TestFn) -> TokenStream {
        let krate = &args.krate;
        let guard = Ident::new(GUARD, Span::call_site());
        let site = self.site(krate, test);
        let enter = quote!(let #guard = #krate::__private::enter(&#site););
        match self.finish(krate, &guard, test) {
            None => around_statements(&enter, test),
            Some(finish) => around_function(&enter, &finish, test),
        }
    }

    /// A literal, so that the compiler makes a `'static` of it.
    fn site(&self, krate: &Path, test: &TestFn) -> TokenStream {
        let name = test.sig.ident.to_string();
        let should_panic = ShouldPanic::of(&test.attrs).tokens();
        let opaque = matches!(self, Shape::Guard { opaque: true });
        quote! {
            #krate::__private::Site {
                package: ::core::option_env!("CARGO_PKG_NAME"),
                module: ::core::module_path!(),
                name: #name,
                file: ::core::file!(),
                should_panic: #krate::__private::ShouldPanic::#should_panic,
                opaque: #opaque,
            }
        }
    }

    /// What calls the test and ends the measurement, where the guard's drop would not do.
    fn finish(&self, krate: &Path, guard: &Ident, test: &TestFn) -> Option<TokenStream> {
        let name = &test.sig.ident;
        let arguments = test.arguments()?;
        let awaiting = test.sig.asyncness.map(|_| quote!(.await));
        let call = quote!(#name(#(#arguments),*));
        Some(match self {
            Shape::Guard { .. } => return None,
            Shape::Value => quote! {
                let __resmon_output = #call #awaiting;
                {
                    use #krate::__private::{AnyOutput as _, FallibleOutput as _};
                    #krate::__private::Guard::finish(
                        #guard,
                        #krate::__private::Probe(&__resmon_output).__resmon_outcome(),
                    );
                }
                __resmon_output
            },
            Shape::ExitCode => quote!(#krate::__private::report(#guard, #call #awaiting)),
            Shape::Message(expected) if awaiting.is_some() => {
                quote!(#krate::__private::expect_panic_async(#guard, #expected, #call).await)
            }
            Shape::Message(expected) => {
                quote!(#krate::__private::expect_panic(#guard, #expected, || #call))
            }
        })
    }
}

fn around_statements(enter: &TokenStream, test: &TestFn) -> TokenStream {
    let TestFn { attrs, vis, sig, body } = test;
    let (head, statements) = (&body.attrs, &body.statements);
    let body = body.with(quote!(#(#head)* #enter #statements));
    quote!(#(#attrs)* #vis #sig #body)
}

fn around_function(enter: &TokenStream, finish: &TokenStream, test: &TestFn) -> TokenStream {
    let TestFn { attrs, vis, sig, body } = test;
    let inner = Signature { abi: None, ..sig.clone() };
    let outer = without_mut(sig);
    let body = body.with(quote! {
        #enter
        #[allow(clippy::items_after_statements, clippy::unused_async)]
        #inner #body
        #finish
    });
    quote!(#(#attrs)* #vis #outer #body)
}

/// The same function, that hands its arguments on and changes none.
fn without_mut(sig: &Signature) -> Signature {
    let mut outer = sig.clone();
    for input in &mut outer.inputs {
        if let FnArg::Typed(argument) = input
            && let Pat::Ident(name) = &mut *argument.pat
        {
            name.mutability = None;
        }
    }
    outer
}

fn is_termination(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|last| last.ident == "Termination")
        }
        _ => false,
    }
}
