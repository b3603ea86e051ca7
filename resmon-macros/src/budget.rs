//! The budgets of a test: `max_heap = "64 MiB"` and its like.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::parse::ParseStream;
use syn::{Error, LitInt, LitStr, Result, Token};

/// The unit of a limit.
#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Seconds,
    Count,
}

/// The budgets that there are.
const BUDGETS: &[(&str, Unit)] = &[
    ("max_heap", Unit::Bytes),
    ("max_allocs", Unit::Count),
    ("max_rss", Unit::Bytes),
    ("max_time", Unit::Seconds),
    ("max_cpu", Unit::Seconds),
];

const BYTES: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1000),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Nanoseconds.
const SECONDS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1000),
    ("µs", 1000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
];

/// The budgets of a test. Empty without any.
#[derive(Default)]
pub(crate) struct Budget(Vec<(Ident, u64)>);

/// Whether this is the name of a budget, or close to one.
pub(crate) fn is_name(name: &Ident) -> bool {
    name.to_string().starts_with("max_")
}

impl Budget {
    /// Parses `= value`, after the name of a budget.
    pub(crate) fn parse(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<()> {
        let text = name.to_string();
        let Some((_, unit)) = BUDGETS.iter().find(|(known, _)| *known == text) else {
            let known: Vec<_> = BUDGETS.iter().map(|(name, _)| format!("`{name}`")).collect();
            let message = format!("unknown budget `{text}`, the budgets are {}", known.join(", "));
            return Err(Error::new(name.span(), message));
        };
        if self.0.iter().any(|(given, _)| given == name) {
            return Err(Error::new(name.span(), format!("`{name}` is given twice")));
        }
        if !input.peek(Token![=]) {
            let message = format!("expected `{name} = {}`", unit.example());
            return Err(Error::new(name.span(), message));
        }
        input.parse::<Token![=]>()?;
        self.0.push((name.clone(), unit.parse(name, input)?));
        Ok(())
    }

    /// Returns the name of the first budget.
    pub(crate) fn first(&self) -> Option<&Ident> {
        self.0.first().map(|(name, _)| name)
    }

    /// Returns the budgets as arguments of `resmon::test`, each with a comma behind it.
    pub(crate) fn arguments(&self) -> TokenStream {
        let budgets = self.0.iter().map(|(name, limit)| {
            let unit = BUDGETS.iter().find(|(known, _)| name == known).map(|(_, unit)| *unit);
            let value = match unit {
                Some(Unit::Bytes) => format!("\"{limit} B\""),
                Some(Unit::Seconds) => format!("\"{limit} ns\""),
                _ => limit.to_string(),
            };
            let value: TokenStream = value.parse().unwrap_or_default();
            quote!(#name = #value,)
        });
        budgets.collect()
    }

    /// Returns the budgets as a part of the arguments of `site!`, with a comma in front. Empty without any.
    pub(crate) fn tokens(&self) -> TokenStream {
        if self.0.is_empty() {
            return TokenStream::new();
        }
        let limits = BUDGETS.iter().map(|(known, _)| {
            let given = self.0.iter().find(|(name, _)| name == known);
            given.map_or_else(|| quote!(none), |(_, limit)| quote!(#limit))
        });
        quote!(, budget = (#(#limits)*))
    }
}

impl Unit {
    fn example(self) -> &'static str {
        match self {
            Self::Bytes => "\"64 MiB\"",
            Self::Seconds => "\"500 ms\"",
            Self::Count => "1000",
        }
    }

    fn parse(self, name: &Ident, input: ParseStream<'_>) -> Result<u64> {
        let units = match self {
            Self::Bytes => BYTES,
            Self::Seconds => SECONDS,
            Self::Count => {
                let expected = |error: Error| {
                    Error::new(error.span(), format!("expected a number, write `{name} = 1000`"))
                };
                return input.parse::<LitInt>().map_err(expected)?.base10_parse();
            }
        };
        let write = format!("write `{name} = {}`", self.example());
        let value = input
            .parse::<LitStr>()
            .map_err(|error| Error::new(error.span(), format!("expected a string, {write}")))?;
        let text = value.value();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_');
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let unit = unit.trim();
        let Some((_, factor)) = units.iter().find(|(known, _)| *known == unit) else {
            let known: Vec<_> = units.iter().map(|(unit, _)| format!("`{unit}`")).collect();
            let problem = if unit.is_empty() {
                format!("the unit is missing, {write}")
            } else {
                format!("unknown unit `{unit}`, the units are {}", known.join(", "))
            };
            return Err(Error::new(value.span(), problem));
        };
        let number: Option<f64> = number.replace('_', "").parse().ok();
        #[expect(clippy::cast_precision_loss, reason = "a factor is at most 60 * 10^9")]
        let limit = number.map(|number| number * *factor as f64);
        match limit.filter(|limit| *limit < 9e18) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is not negative, and below the limit of this type"
            )]
            Some(limit) => Ok(limit.round() as u64),
            None => Err(Error::new(value.span(), format!("`{text}` is no number, {write}"))),
        }
    }
}
