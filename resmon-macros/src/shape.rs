use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{FnArg, Lit, Pat, Signature, Type, TypeParamBound};

use crate::args::Args;
use crate::attr::ShouldPanic;
use crate::build::Build;
use crate::item::{Body, TestFn};

/// The name of the guard's variable.
const GUARD: &str = "__resmon_guard";

/// The module of resmon that the expansion names.
const PRIVATE: &str = "__private";

/// The name of the method that runs a test and judges its value.
const RUN: &str = "__resmon_run";

/// The way in which the expansion learns the outcome of the test.
pub(crate) enum Shape {
    /// A guard: whether the test panics is all there is to know, or all that can be known.
    Guard { opaque: bool },
    /// The value that the test returns.
    Value,
    /// The exit code that the test's value reports: `impl Termination` has nothing else.
    ExitCode,
    /// The message of the test's panic, which should contain this text.
    Message(Lit),
}

impl Shape {
    pub(crate) fn of(test: &TestFn) -> Self {
        let is_async = test.sig.asyncness.is_some();
        let is_alone = !is_async && test.sig.inputs.is_empty();
        let is_callable = test.arguments().is_some();
        match test.result_type() {
            None => match ShouldPanic::of(&test.attrs) {
                ShouldPanic::With(expected) if is_alone || is_async && is_callable => {
                    Shape::Message(expected)
                }
                _ => Shape::Guard { opaque: false },
            },
            Some(Type::ImplTrait(ty)) => {
                if is_alone && ty.bounds.iter().any(is_termination) {
                    Shape::ExitCode
                } else {
                    Shape::Guard { opaque: true }
                }
            }
            Some(_) if is_callable => Shape::Value,
            Some(_) => Shape::Guard { opaque: true },
        }
    }

    pub(crate) fn expand(&self, args: &Args, test: &TestFn) -> TokenStream {
        let private = &args.private();
        let TestFn { attrs, vis, sig, body } = test;
        let site = self.site(private, args, test);
        let guard = Ident::new(GUARD, Span::call_site());
        let enter = quote!(let #guard = #private::enter(#site););
        let measured = match test.arguments() {
            Some(arguments) if sig.asyncness.is_some() || !arguments.is_empty() => {
                self.around_call(private, &guard, &enter, sig, &arguments)
            }
            _ => self.around_function(private, &site, sig),
        };
        let Some(measured) = measured else {
            let body = body.below(enter);
            return quote!(#(#attrs)* #vis #sig #body);
        };
        let outer = without_mut(sig);
        let inner = Signature { abi: None, ..sig.clone() };
        let body = body.with(quote! {
            // An attribute below may put statements in front of it.
            #[allow(clippy::items_after_statements, clippy::unused_async)]
            #inner #body
            #measured
        });
        quote!(#(#attrs)* #vis #outer #body)
    }

    /// Lets the runtime call the test, which has no arguments and is not awaited.
    fn around_function(
        &self,
        private: &TokenStream,
        site: &TokenStream,
        sig: &Signature,
    ) -> Option<TokenStream> {
        let test = &sig.ident;
        match self {
            Shape::Guard { .. } => None,
            Shape::Value => Some(quote!(#private::Probe::of(#test).__resmon_run(#site, #test))),
            Shape::ExitCode => Some(quote!(#private::run_exit_code(#site, #test))),
            Shape::Message(expected) => {
                Some(quote!(#private::run_should_panic(#site, #expected, #test)))
            }
        }
    }

    /// Lets the expansion call the test, with a guard around the call.
    fn around_call(
        &self,
        private: &TokenStream,
        guard: &Ident,
        enter: &TokenStream,
        sig: &Signature,
        arguments: &[&Ident],
    ) -> Option<TokenStream> {
        let test = &sig.ident;
        let call = quote!(#test(#(#arguments),*));
        let awaiting = sig.asyncness.map(|_| quote!(.await));
        match self {
            Shape::Guard { .. } | Shape::ExitCode => None,
            Shape::Value => Some(quote! {
                #enter
                let __resmon_output = #call #awaiting;
                #private::Probe::like(&__resmon_output).__resmon_finish(#guard, &__resmon_output);
                __resmon_output
            }),
            Shape::Message(expected) => Some(quote! {
                #enter
                #private::await_should_panic(#guard, #expected, #call).await
            }),
        }
    }

    fn site(&self, private: &TokenStream, args: &Args, test: &TestFn) -> TokenStream {
        let name = libtest_name(&test.sig.ident);
        let should_panic = ShouldPanic::of(&test.attrs).tokens();
        let opaque = matches!(self, Shape::Guard { opaque: true });
        let build = Build::current().map(Build::tokens);
        let budget = args.budget.tokens();
        quote!(#private::site!(#name, #should_panic, #opaque #budget #build))
    }
}

/// Returns the name of a function as libtest writes it: `r#` stands before reserved words only.
fn libtest_name(name: &Ident) -> String {
    let text = name.to_string();
    match text.strip_prefix("r#") {
        Some(plain) if syn::parse_str::<Ident>(plain).is_ok() => plain.to_owned(),
        _ => text,
    }
}

/// Returns the signature without `mut` arguments: the outer function only passes them on.
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

/// Whether resmon has already expanded the body: the first statement is its guard, or the last its call.
pub(crate) fn is_expanded(body: &Body) -> bool {
    let is = |token: &TokenTree, name| matches!(token, TokenTree::Ident(ident) if ident == name);
    match &body.statements[..] {
        [_let, variable, ..] if is(variable, GUARD) => true,
        [.., private, _, _, _function, TokenTree::Group(_)] if is(private, PRIVATE) => true,
        [.., method, TokenTree::Group(_)] => is(method, RUN),
        _ => false,
    }
}
