//! Proves the contracts on what is on disk: plan, build, run the checks, and say what happened as events.
//!
//! A failed contract is a [`Finding`], not an error; an error is the engine's, or the files cannot be read.

mod bench;
mod checks;
mod event;
mod http;
mod images;
mod inject;
mod outcome;
mod start;
mod subject;
mod trees;
mod workcopy;

pub use event::{Event, Report, RoleReport};
pub use outcome::{Finding, Outcome, overall};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::OnceCell;

use crate::contract;
use crate::engine::Run;
use crate::error::{Error, Kind, Result};
use crate::project::Project;
use crate::roles;
use bench::{Bench, Stop};
use subject::Subject;

/// What to verify.
#[derive(Debug, Clone)]
pub struct Request {
    /// The project's folder.
    pub folder: PathBuf,
    /// Its description.
    pub project: Project,
    /// Roles and contracts to look at; all, if empty.
    pub only: Vec<String>,
    /// Build the images, and check nothing else.
    pub build_only: bool,
    /// What compose.yaml interpolates: the process environment.
    pub env: BTreeMap<String, String>,
}

/// What is going to be done: found out without an engine, so that mistakes in files are told first.
#[derive(Debug)]
pub struct Plan {
    subject: Subject,
    roles: Vec<String>,
    contracts: Vec<&'static str>,
}

/// Reads the files and decides what to build and check.
///
/// # Errors
/// When a file is missing or malformed, a role has no service or stage, or a name in `only` is unknown.
pub fn plan(request: &Request) -> Result<Plan> {
    let mut env = request.env.clone();
    // Who starts containers with `user: "${UID}:${GID}"` means the owner of the source, here that of the copy.
    let (uid, gid) = workcopy::owner();
    env.insert("UID".into(), uid.to_string());
    env.insert("GID".into(), gid.to_string());
    let folder = request.folder.canonicalize().map_err(|error| Error::io("cannot find", &request.folder, error))?;
    let subject = Subject::read(&folder, request.project.clone(), &env)?;
    let contracts = contracts(request)?;
    let mut needed: BTreeSet<&str> =
        contracts.iter().filter_map(|name| checks::find(name)).flat_map(|entry| entry.needs).copied().collect();
    needed.extend(request.only.iter().filter(|only| roles::find(only).is_some()).map(String::as_str));
    // Named by itself, or with nothing named, scaffold.builds is of all roles.
    let all = request.only.is_empty() || request.only.iter().any(|only| only == checks::BUILDS || only == "scaffold");
    let wanted = |role: &subject::RoleSubject| all || needed.contains(role.role);
    let roles = subject.roles.iter().filter(|role| wanted(role)).map(|role| role.name.clone()).collect();
    Ok(Plan { subject, roles, contracts })
}

/// The contracts that are asked for, in the catalogue's order.
fn contracts(request: &Request) -> Result<Vec<&'static str>> {
    for only in &request.only {
        if !contract::ALL.iter().any(|contract| contract.name == *only || contract.role() == *only) {
            return Err(Error::usage(format!("`{only}` is neither a role nor a contract"))
                .hint("`dockwright explain` lists all of them"));
        }
    }
    if request.build_only {
        return Ok(vec![checks::BUILDS]);
    }
    let asked = |contract: &contract::Contract| {
        request.only.is_empty() || request.only.iter().any(|only| only == contract.name || only == contract.role())
    };
    let mut names: Vec<&'static str> = contract::ALL.iter().filter(|one| asked(one)).map(|one| one.name).collect();
    // Whatever is checked has to be built first.
    if !names.contains(&checks::BUILDS) {
        names.insert(0, checks::BUILDS);
    }
    Ok(names)
}

/// Carries a plan out on an engine. `sink` hears of everything as it happens. Dropping the future stops
/// the builds; the caller then finishes `run`, which removes all that was made.
///
/// # Errors
/// When the engine fails; a contract that fails is in the report.
pub async fn run(plan: Plan, run: &Run, sink: &(dyn Fn(Event) + Sync)) -> Result<Report> {
    let start = Instant::now();
    workcopy::sweep();
    let engine = run.engine().info().clone();
    let Plan { subject, roles, contracts } = plan;
    sink(Event::Started { engine: engine.clone(), roles: roles.clone(), contracts: contracts.clone() });
    let images = images::build_all(run, &subject, &roles, sink).await?;
    let findings = Mutex::new(Vec::new());
    let tell = |finding: Finding| {
        sink(Event::CheckDone(finding.clone()));
        findings.lock().expect("no check panics while it tells").push(finding);
    };
    tell(images.verdict.of(outcome::contract(checks::BUILDS), start.elapsed().as_secs_f64()));
    let bench = Bench {
        run: run.clone(),
        subject,
        containers: images.containers,
        own: images.own,
        trees: trees::Trees::default(),
        artefact: OnceCell::new(),
    };
    let wanted = checks::ALL.iter().filter(|entry| contracts.contains(&entry.contract));
    let checked = stream::iter(wanted.map(|entry| check_one(&bench, entry, sink)));
    // Containers wait more than they work, but those that compile or test want a processor each.
    let mut checked = checked.buffer_unordered(engine_width(&bench));
    while let Some(finding) = checked.next().await {
        tell(finding?);
    }
    drop(checked);
    let mut findings = findings.into_inner().expect("no check panics while it tells");
    findings.sort_by_key(|finding| contract::ALL.iter().position(|one| one.name == finding.contract));
    Ok(Report {
        schema: 1,
        outcome: overall(&findings),
        engine,
        roles: images.reports,
        contracts: findings,
        seconds: (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
    })
}

fn engine_width(bench: &Bench) -> usize {
    usize::try_from(bench.engine().info().cpus).unwrap_or(1).clamp(1, 4) + 1
}

async fn check_one(bench: &Bench, entry: &'static checks::Entry, sink: &(dyn Fn(Event) + Sync)) -> Result<Finding> {
    let name = entry.contract;
    sink(Event::CheckStarted(name));
    let start = Instant::now();
    let verdict = match (entry.check)(bench).await {
        Ok(verdict) => verdict,
        Err(Stop::Verdict(verdict)) => *verdict,
        // An engine that still answers has refused one thing: this contract cannot be seen, the others can.
        Err(Stop::Engine(error)) if error.kind() == Kind::Engine && bench.engine().ping().await.is_ok() => {
            outcome::inconclusive([error.to_string()].into_iter().chain(error.causes()).collect::<Vec<_>>().join(": "))
        }
        Err(Stop::Engine(error)) => return Err(error),
    };
    Ok(verdict.of(outcome::contract(name), start.elapsed().as_secs_f64()))
}

/// Builds the service image out of a copy of the source; returns its id.
///
/// # Errors
/// When the build fails, or the engine does.
pub async fn build_copied(plan: &Plan, run: &Run) -> Result<String> {
    let Some(service) = plan.subject.role("service") else {
        return Err(Error::description("there is no service role"));
    };
    let text = service.target.dockerfile.text.clone();
    let image = images::build_text(run, &service.target, text, "service").await?;
    image.map(|image| image.id).map_err(Error::description)
}

/// Builds the service image out of the mounted source, injecting what the builder makes; returns its id.
///
/// # Errors
/// When the files cannot be read, the build fails, or the engine does.
pub async fn build_mounted(plan: &Plan, run: &Run, source: &Path) -> Result<String> {
    let no_injection =
        || Error::description("the service stage copies nothing from the build stage, so there is nothing to inject");
    let injection = inject::Injection::of(&plan.subject).ok_or_else(no_injection)?;
    match inject::service_image(run, &plan.subject, source, &injection).await {
        Ok(image) => Ok(image.id),
        Err(Stop::Engine(error)) => Err(error),
        Err(Stop::Verdict(verdict)) => Err(Error::description(verdict.observed().to_owned())),
    }
}
