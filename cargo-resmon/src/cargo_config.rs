//! Cargo's configuration: its files, the files that they include, `--config`, and the environment.
//!
//! Cargo and nextest read the same configuration by rules of their own. Cargo lets the last `--config` win and follows
//! `include`; nextest lets the first `--config` win, inline ones before files, and follows no `include`.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use cargo_platform::{Cfg, CfgExpr};
use toml::{Table, Value};

use crate::wrapped::Wrapped;

/// The minor version of the first Cargo that follows `include` without an unstable option.
const INCLUDES_SINCE: u32 = 94;
/// Stop following files that include each other after this many steps. Cargo refuses circles.
const DEEPEST_INCLUDE: usize = 32;

/// The configuration of a run, by the rules of the program that reads it.
#[derive(Debug)]
pub(crate) struct CargoConfig {
    is_nextest: bool,
    /// The values of `--config`, the winning one first. The environment does not win over them.
    given: Vec<Layer>,
    /// The files, the winning one first. The environment wins over them.
    files: Vec<Layer>,
}

/// A runner that the user has configured.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Runner {
    /// The program and its arguments.
    pub(crate) words: Vec<OsString>,
    /// Whether it wins over the variable `CARGO_TARGET_<TRIPLE>_RUNNER`, as it was given by `--config`.
    pub(crate) beats_variable: bool,
}

impl CargoConfig {
    /// Reads the configuration for `cargo SUBCOMMAND` with these arguments, in the current directory.
    pub(crate) fn load(subcommand: &str, wrapped: &Wrapped) -> anyhow::Result<Self> {
        Self::read(subcommand, wrapped).context("cannot read Cargo's configuration")
    }

    fn read(subcommand: &str, wrapped: &Wrapped) -> anyhow::Result<Self> {
        let is_nextest = subcommand == "nextest";
        let reader = Reader { follows_includes: !is_nextest, version: OnceCell::new() };
        let here = env::current_dir().context("there is no current directory")?;
        let (mut inline, mut named) = (Vec::new(), Vec::new());
        for value in wrapped.values("--config") {
            let path = here.join(&value);
            let is_file = !value.is_empty() && path.exists();
            let layers =
                if is_file { reader.file(&path)? } else { vec![inline_layer(&value, &here)?] };
            if is_file && is_nextest { named.push(layers) } else { inline.push(layers) }
        }
        if !is_nextest {
            inline.reverse();
        }
        let mut files = Vec::new();
        for path in paths(&here) {
            files.extend(reader.file(&path)?);
        }
        let given = inline.into_iter().chain(named).flatten().collect();
        Ok(Self { is_nextest, given, files })
    }

    /// Returns the path of the compiler.
    pub(crate) fn rustc(&self) -> PathBuf {
        let configured = self.program("rustc", "RUSTC", "CARGO_BUILD_RUSTC");
        configured.filter(|path| !path.as_os_str().is_empty()).unwrap_or_else(|| {
            // The compiler of the same toolchain as Cargo.
            let beside =
                env::var_os("CARGO").map(|cargo| Path::new(&cargo).with_file_name("rustc"));
            beside.filter(|path| path.is_file()).unwrap_or_else(|| "rustc".into())
        })
    }

    /// Returns the wrapper through which workspace members are compiled.
    pub(crate) fn workspace_wrapper(&self) -> Option<PathBuf> {
        let variables = ["RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER"];
        let wrapper = self.program("rustc-workspace-wrapper", variables[0], variables[1]);
        wrapper.filter(|path| !path.as_os_str().is_empty())
    }

    /// Returns a program of the table `build`. The variable `first` wins over `--config`, and `second` over files.
    fn program(&self, key: &str, first: &str, second: &str) -> Option<PathBuf> {
        let of_layers = |layers: &[Layer]| {
            layers
                .iter()
                .find_map(|layer| Some(layer.program(layer.get(&["build", key])?.as_str()?)))
        };
        let of_variable = |name| env::var_os(name).map(PathBuf::from);
        let given = of_variable(first).or_else(|| of_layers(&self.given));
        given.or_else(|| of_variable(second)).or_else(|| of_layers(&self.files))
    }

    /// Returns the targets that are built for where the command line names none: triples, paths of JSON files, or
    /// `host-tuple`. An empty list stands for the host.
    pub(crate) fn build_targets(&self) -> Vec<String> {
        let given = targets_of(&self.given);
        if !given.is_empty() {
            return given;
        }
        match env::var("CARGO_BUILD_TARGET") {
            Ok(target) if !target.is_empty() => vec![target],
            _ => targets_of(&self.files),
        }
    }

    /// Returns the runner of test binaries for a target.
    pub(crate) fn runner(&self, triple: &str) -> anyhow::Result<Option<Runner>> {
        let target = Target { triple, rustc: self.rustc(), cfgs: OnceCell::new() };
        if self.is_nextest {
            self.runner_of_nextest(&target)
        } else {
            self.runner_of_cargo(&target)
        }
    }

    /// A runner for the triple wins over those for a `cfg`, wherever they are.
    fn runner_of_cargo(&self, target: &Target<'_>) -> anyhow::Result<Option<Runner>> {
        let of_triple =
            |layers: &[Layer]| layers.iter().find_map(|layer| layer.runner(target.triple));
        if let Some(words) = of_triple(&self.given) {
            return Ok(Some(Runner { words, beats_variable: true }));
        }
        let mut words = target.variable().or_else(|| of_triple(&self.files));
        for layer in self.layers() {
            if words.is_none() {
                words = target.cfg_runner(layer)?;
            }
        }
        Ok(words.map(|words| Runner { words, beats_variable: false }))
    }

    /// The first place with a runner wins, whether it is for the triple or for a `cfg`.
    fn runner_of_nextest(&self, target: &Target<'_>) -> anyhow::Result<Option<Runner>> {
        let first = |layers: &[Layer]| -> anyhow::Result<Option<Vec<OsString>>> {
            for layer in layers {
                let words = layer.runner(target.triple);
                if let Some(words) =
                    words.map_or_else(|| target.cfg_runner(layer), |words| Ok(Some(words)))?
                {
                    return Ok(Some(words));
                }
            }
            Ok(None)
        };
        if let Some(words) = first(&self.given)? {
            return Ok(Some(Runner { words, beats_variable: true }));
        }
        let words =
            target.variable().map_or_else(|| first(&self.files), |words| Ok(Some(words)))?;
        Ok(words.map(|words| Runner { words, beats_variable: false }))
    }

    /// Returns whether `target.<triple>.runner` is written as a list. Cargo merges values of one type only.
    pub(crate) fn is_runner_a_list(&self, triple: &str) -> bool {
        self.layers()
            .any(|layer| layer.get(&["target", triple, "runner"]).is_some_and(Value::is_array))
    }

    /// Returns the variables of the table `env` whose name begins with one of the prefixes, where they take effect.
    pub(crate) fn variables(&self, prefixes: &[&str]) -> BTreeMap<String, OsString> {
        let mut variables = BTreeMap::new();
        for layer in self.layers() {
            let Some(table) = layer.get(&["env"]).and_then(Value::as_table) else { continue };
            let ours = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
            for (name, value) in table.iter().filter(|(name, _)| ours(name)) {
                let Some(text) = value.get("value").unwrap_or(value).as_str() else { continue };
                let is = |key| value.get(key).and_then(Value::as_bool).unwrap_or(false);
                let text = if is("relative") { layer.base.join(text).into() } else { text.into() };
                variables.entry(name.clone()).or_insert((text, is("force")));
            }
        }
        variables
            .into_iter()
            .filter(|(name, (_, force))| *force || env::var_os(name).is_none())
            .map(|(name, (text, _))| (name, text))
            .collect()
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.given.iter().chain(&self.files)
    }
}

/// A target that tests are built for.
struct Target<'a> {
    triple: &'a str,
    rustc: PathBuf,
    cfgs: OnceCell<Vec<Cfg>>,
}

impl Target<'_> {
    /// Returns the runner in the environment.
    fn variable(&self) -> Option<Vec<OsString>> {
        let value = env::var(runner_variable(self.triple)).ok()?;
        words(&value.into(), &env::current_dir().unwrap_or_default())
    }

    /// Returns the runner of the first `cfg` that holds for the target.
    fn cfg_runner(&self, layer: &Layer) -> anyhow::Result<Option<Vec<OsString>>> {
        for (expression, words) in layer.cfg_runners() {
            // Cargo reports an expression that is not valid, and nextest ignores it.
            let Ok(expression) = expression.parse::<CfgExpr>() else { continue };
            if self.cfgs.get().is_none() {
                let _ = self.cfgs.set(self.read_cfgs()?);
            }
            if self.cfgs.get().is_some_and(|cfgs| expression.matches(cfgs)) {
                return Ok(Some(words));
            }
        }
        Ok(None)
    }

    /// Asks the compiler for the `cfg` values.
    fn read_cfgs(&self) -> anyhow::Result<Vec<Cfg>> {
        let mut command = Command::new(&self.rustc);
        let output = command.args(["--print=cfg", "--target", self.triple]).output();
        let output = output.with_context(|| format!("cannot run {}", self.rustc.display()))?;
        ensure!(output.status.success(), "the compiler does not know the target {}", self.triple);
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }
}

/// Returns the variable of the runner for a target.
pub(crate) fn runner_variable(triple: &str) -> String {
    format!("CARGO_TARGET_{}_RUNNER", triple.to_uppercase().replace(['-', '.'], "_"))
}

/// A part of the configuration: a file or a value of `--config`.
#[derive(Debug)]
struct Layer {
    table: Table,
    /// The folder from which its relative paths start.
    base: PathBuf,
}

impl Layer {
    fn get(&self, path: &[&str]) -> Option<&Value> {
        get(&self.table, path)
    }

    fn runner(&self, target: &str) -> Option<Vec<OsString>> {
        words(self.get(&["target", target, "runner"])?, &self.base)
    }

    /// Returns the runners for `cfg` expressions, each with its expression.
    fn cfg_runners(&self) -> impl Iterator<Item = (&str, Vec<OsString>)> {
        let targets = self.table.get("target").and_then(Value::as_table).into_iter().flatten();
        targets.filter_map(|(key, _)| {
            let expression = key.strip_prefix("cfg(")?.strip_suffix(')')?;
            Some((expression, self.runner(key)?))
        })
    }

    fn program(&self, text: &str) -> PathBuf {
        program(text, &self.base)
    }
}

/// Returns the value at a path of keys.
pub(crate) fn get<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

/// Returns a program, and its arguments, that is configured as a string or as a list.
fn words(value: &Value, base: &Path) -> Option<Vec<OsString>> {
    let mut words: Vec<&str> = match value {
        Value::String(text) => text.split_whitespace().collect(),
        Value::Array(list) => list.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    if words.is_empty() {
        return None;
    }
    let first = program(words.remove(0), base).into_os_string();
    Some([first].into_iter().chain(words.into_iter().map(OsString::from)).collect())
}

/// Returns the path of a program. A name without a slash is searched for in `PATH`.
fn program(text: &str, base: &Path) -> PathBuf {
    if text.contains('/') { base.join(text) } else { text.into() }
}

/// Returns the value of `build.target`. Cargo joins lists.
fn targets_of(layers: &[Layer]) -> Vec<String> {
    let mut targets = Vec::new();
    for value in layers.iter().filter_map(|layer| layer.get(&["build", "target"])) {
        match value {
            Value::String(target) if targets.is_empty() => return vec![target.clone()],
            Value::Array(list) => {
                targets.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            _ => {}
        }
    }
    targets
}

/// Returns the files that Cargo reads in this directory, the winning one first.
fn paths(here: &Path) -> Vec<PathBuf> {
    let file_in = |folder: &Path| {
        let names = ["config", "config.toml"].into_iter();
        names.map(|name| folder.join(name)).find(|path| path.exists())
    };
    let mut paths: Vec<_> =
        here.ancestors().filter_map(|folder| file_in(&folder.join(".cargo"))).collect();
    let home = env::var_os("CARGO_HOME").filter(|home| !home.is_empty());
    let home = home.map(|home| here.join(home)).or_else(|| Some(env::home_dir()?.join(".cargo")));
    paths.extend(home.and_then(|home| file_in(&home)).filter(|path| !paths.contains(path)));
    paths
}

/// Parses a `KEY=VALUE` of `--config`.
fn inline_layer(value: &OsStr, here: &Path) -> anyhow::Result<Layer> {
    let text = value.to_str().context("a value of --config is no text")?;
    let table = text.parse().with_context(|| format!("--config {text:?} is not valid"))?;
    Ok(Layer { table, base: here.to_owned() })
}

/// A reader of files.
struct Reader {
    follows_includes: bool,
    /// Whether Cargo is new enough to follow `include`.
    version: OnceCell<bool>,
}

impl Reader {
    /// Reads a file and those that it includes, the winning one first.
    fn file(&self, path: &Path) -> anyhow::Result<Vec<Layer>> {
        let mut layers = Vec::new();
        self.read(path, 0, &mut layers)?;
        Ok(layers)
    }

    fn read(&self, path: &Path, depth: usize, layers: &mut Vec<Layer>) -> anyhow::Result<()> {
        let in_file = || format!("in {}", path.display());
        ensure!(depth < DEEPEST_INCLUDE, "{} includes itself", path.display());
        let table: Table = fs::read_to_string(path)
            .map_err(anyhow::Error::new)
            .and_then(|text| Ok(text.parse()?))
            .with_context(in_file)?;
        let folder = path.parent().unwrap_or(path);
        let includes = table.get("include").and_then(Value::as_array).cloned().unwrap_or_default();
        layers.push(Layer { table, base: folder.parent().unwrap_or(folder).to_owned() });
        if includes.is_empty() || !self.follows_includes || !self.is_new_enough() {
            return Ok(());
        }
        // The last one wins over those before it.
        for include in includes.iter().rev() {
            let name = include.get("path").unwrap_or(include).as_str();
            let path = folder.join(name.context("`include` names no file").with_context(in_file)?);
            let is_optional = include.get("optional").and_then(Value::as_bool).unwrap_or(false);
            if !is_optional || path.exists() {
                self.read(&path, depth + 1, layers)?;
            }
        }
        Ok(())
    }

    fn is_new_enough(&self) -> bool {
        *self.version.get_or_init(|| {
            let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let output = Command::new(cargo).arg("--version").output();
            let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            let minor = text.ok().and_then(|text| text.split('.').nth(1)?.parse().ok());
            minor.is_none_or(|minor: u32| minor >= INCLUDES_SINCE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(text: &str) -> Layer {
        Layer { table: text.parse().unwrap(), base: "/w".into() }
    }

    fn config(is_nextest: bool, given: &[&str], files: &[&str]) -> CargoConfig {
        let layers = |texts: &[&str]| texts.iter().map(|text| layer(text)).collect();
        CargoConfig { is_nextest, given: layers(given), files: layers(files) }
    }

    #[test]
    fn a_relative_program_starts_from_its_folder_and_a_name_is_searched_for() {
        let of = |value: &str| {
            let layer = layer(&format!("target.none.runner = {value}"));
            let words = layer.runner("none")?.join(",".as_ref());
            Some(words.into_string().unwrap())
        };
        assert_eq!(of("'run.sh  -x ./y'").as_deref(), Some("run.sh,-x,./y"));
        assert_eq!(of("['ci/run it', 'a b']").as_deref(), Some("/w/ci/run it,a b"));
        assert_eq!(of("'/bin/env'").as_deref(), Some("/bin/env"));
        assert_eq!((of("''"), of("[]"), of("1")), (None, None, None));
    }

    #[test]
    fn a_triple_wins_over_a_cfg_for_cargo_and_within_one_place_for_nextest() {
        let triple = "x86_64-unknown-linux-gnu";
        let (cfg, exact) =
            ("target.'cfg(unix)'.runner = 'cfg'", format!("target.{triple}.runner = 'exact'"));
        let both = format!("{cfg}\n{exact}");
        for (is_nextest, given, files, words, beats_variable) in [
            (false, &[cfg][..], &[&*exact][..], "exact", false),
            (true, &[cfg], &[&*exact], "cfg", true),
            (false, &[&*both], &[], "exact", true),
            (true, &[&*both], &[], "exact", true),
            (true, &[], &["", cfg, &*exact], "cfg", false),
            (false, &[], &["", cfg, &*exact], "exact", false),
        ] {
            let runner = config(is_nextest, given, files).runner(triple).unwrap();
            let words = vec![words.into()];
            assert_eq!(runner, Some(Runner { words, beats_variable }), "{given:?} {files:?}");
        }
        assert_eq!(
            config(false, &[], &["target.'cfg(windows)'.runner = 'w'"]).runner(triple).unwrap(),
            None
        );
    }

    #[test]
    fn lists_of_targets_are_joined() {
        let of =
            |texts: &[&str]| targets_of(&texts.iter().map(|text| layer(text)).collect::<Vec<_>>());
        assert_eq!(of(&["build.target = ['a']", "", "build.target = ['b', 'c']"]), ["a", "b", "c"]);
        assert_eq!(of(&["build.target = 'a'", "build.target = 'b'"]), ["a"]);
        assert_eq!(of(&[""]), [""; 0]);
    }
}
