//! The workspace, the programs and the directories that a run would use.

use std::env;
use std::io;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use resmon_delivery::backlog::Summary;
use resmon_record::spool::Spool;
use resmon_record::spool::lock::{self, Part};
use resmon_runtime::collector::Plan;

use super::Findings;
use crate::run_store;
use crate::shim::configured_runners;

pub(super) fn examine(findings: &mut Findings, plan: &Plan) {
    match MetadataCommand::new().no_deps().exec() {
        Ok(metadata) => workspace(findings, plan, &metadata),
        Err(error) => findings.problem("workspace", format_args!("none here: {error}")),
    }
    nextest(findings);
    runners(findings);
}

fn workspace(findings: &mut Findings, plan: &Plan, metadata: &Metadata) {
    findings.good("workspace", &metadata.workspace_root);
    let target = metadata.target_directory.as_std_path();
    let spool = plan.spool().map_or_else(|| run_store::spool_of(metadata), Path::to_owned);
    spool_directory(findings, &spool);
    let kept = run_store::list(&target.join("resmon/runs")).len();
    findings.note("runs", format_args!("{kept} kept in {}", target.join("resmon/runs").display()));
    let depends = metadata.packages.iter().filter(|package| {
        let on_resmon = |dependency: &cargo_metadata::Dependency| {
            dependency.name == "resmon" && dependency.kind != DependencyKind::Build
        };
        package.dependencies.iter().any(on_resmon)
    });
    let depends: Vec<_> = depends.map(|package| package.name.as_str()).collect();
    match depends.as_slice() {
        [] => findings.note("attribute", "in use by no package; `cargo resmon` does not need it"),
        packages => findings.good("attribute", format_args!("in use by {}", packages.join(", "))),
    }
}

/// Checks the directory for undelivered records, without creating it.
fn spool_directory(findings: &mut Findings, path: &Path) {
    let what = "spool directory";
    if !path.exists() {
        let there = path.ancestors().find(|folder| folder.exists());
        match there.filter(|folder| super::output::is_writable(folder)) {
            Some(_) => findings.good(what, format_args!("{}, created when needed", path.display())),
            None => findings.problem(what, format_args!("{} cannot be created", path.display())),
        }
        return;
    }
    if let Err(error) = try_lock_in(path) {
        let place = path.display();
        return findings.problem(
            what,
            format_args!("{place}: {error}; RESMON_SPOOL_DIR can name another directory"),
        );
    }
    match Spool::open(path).map(|spool| Summary::of(&spool)) {
        Err(problem) => findings.problem(what, format_args!("{}: {problem}", path.display())),
        Ok(summary) if summary == Summary::default() => {
            findings.good(what, format_args!("{}, {summary}", path.display()));
        }
        Ok(summary) => findings.note(what, format_args!("{}: {summary}", path.display())),
    }
}

/// Locks a file without a name in the directory, as a run locks its files.
fn try_lock_in(directory: &Path) -> io::Result<()> {
    lock::try_lock(&tempfile::tempfile_in(directory)?, Part::Owner).map(drop)
}

fn nextest(findings: &mut Findings) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let version = Command::new(cargo).args(["nextest", "--version"]).output();
    let version = version.ok().filter(|output| output.status.success());
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match version.as_deref().and_then(|text| text.lines().next()) {
        Some(version) => findings.good("nextest", version),
        None => findings.note("nextest", "not installed; `cargo resmon test` does not need it"),
    }
}

fn runners(findings: &mut Findings) {
    match configured_runners() {
        Err(error) => findings.problem("runner", format_args!("{error:#}")),
        Ok(runners) if runners.is_empty() => findings.good("runner", "none is configured"),
        Ok(runners) => {
            for runner in runners {
                findings.note("runner", format_args!("{runner}, which goes on running the tests"));
            }
        }
    }
}
