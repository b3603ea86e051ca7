//! The runner that was configured already, which goes on running the tests.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;

/// The variable that holds the [`Chain`]s.
pub(crate) const VARIABLE: &str = "RESMON_RUNNERS";

/// Between chains, and between the parts of one: control characters, which no runner has in its arguments.
const CHAINS: u8 = 0x1e;
const PARTS: u8 = 0x1f;

/// What a target was to be run by.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// `CARGO_TARGET_<TRIPLE>_RUNNER`
    pub(crate) variable: OsString,
    /// What that held.
    pub(crate) value: Option<OsString>,
    /// The runner and its arguments, wherever they were configured.
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

/// What runs the executable, in the environment that there would be without `cargo resmon`: what a test builds and runs
/// is its own affair.
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
