//! The user's own runner, which `cargo resmon` replaces and then calls to run the tests.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;

/// The variable that holds the [`Chain`]s.
pub(crate) const VARIABLE: &str = "RESMON_RUNNERS";

/// Separators between chains, and between the parts of one: control characters, which no runner has in its arguments.
const CHAINS: u8 = 0x1e;
const PARTS: u8 = 0x1f;

/// A variable that `cargo resmon` overrides, with its previous value, and the user's runner if it configures one.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// `CARGO_TARGET_<TRIPLE>_RUNNER`, or `RUSTC_WORKSPACE_WRAPPER`, which has no runner.
    pub(crate) variable: OsString,
    /// The value of the variable before, if it was set.
    pub(crate) value: Option<OsString>,
    /// The user's runner and its arguments, from the variable or from Cargo's configuration.
    pub(crate) runner: Vec<OsString>,
}

impl Chain {
    pub(crate) fn encode(chains: &[Self]) -> OsString {
        let chains = chains.iter().map(|chain| {
            let value = chain.value.as_ref().map_or_else(OsString::new, |value| {
                let mut set = OsString::from("=");
                set.push(value);
                set
            });
            let parts = [&chain.variable, &value].into_iter().chain(&chain.runner);
            parts.map(|part| part.as_bytes()).collect::<Vec<_>>().join(&PARTS)
        });
        OsString::from_vec(chains.collect::<Vec<_>>().join(&CHAINS))
    }

    fn decode(text: &OsStr) -> Vec<Self> {
        let chains = text.as_bytes().split(|&byte| byte == CHAINS);
        chains
            .filter_map(|chain| {
                let mut parts = chain.split(|&byte| byte == PARTS).map(<[u8]>::to_vec);
                let variable = OsString::from_vec(parts.next()?);
                let value = parts.next()?;
                let value = value.strip_prefix(b"=").map(|value| OsStr::from_bytes(value).into());
                Some(Self { variable, value, runner: parts.map(OsString::from_vec).collect() })
            })
            .collect()
    }
}

/// Builds the command that runs the executable, through the user's runner if there is one. Restores the user's
/// variables, so that what a test builds and runs is not affected.
pub(super) fn command(variable: &OsStr, executable: &OsStr) -> Command {
    let chains = Chain::decode(&env::var_os(VARIABLE).unwrap_or_default());
    let chain = chains.iter().find(|chain| chain.variable == variable);
    let runner = chain.map(|chain| chain.runner.as_slice()).unwrap_or_default();
    let mut command = match runner {
        [] => Command::new(executable),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(executable);
            command
        }
    };
    command.env_remove(VARIABLE);
    for Chain { variable, value, .. } in &chains {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_read_back() {
        let chain = |variable: &str, value: Option<&str>, runner: &[&str]| Chain {
            variable: variable.into(),
            value: value.map(Into::into),
            runner: runner.iter().map(Into::into).collect(),
        };
        let chains = [
            chain("A", None, &[]),
            chain("B", Some(""), &["a b", "", "c=d"]),
            chain("C", Some("=x y"), &["/r"]),
        ];
        let decoded = Chain::decode(&Chain::encode(&chains));
        assert_eq!(format!("{decoded:?}"), format!("{chains:?}"));
        assert!(Chain::decode(OsStr::new("")).is_empty());
    }
}
