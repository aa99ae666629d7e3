//! Proves the contracts on what is on disk: plan, build, run the checks, and say what happened as events.
//!
//! A failed contract is a [`Finding`], not an error; an error is the engine's, or the files cannot be read.

mod checks;
mod claims;
mod event;
mod graph;
mod memory;
mod outcome;
mod record;
mod redact;
mod snapshot;
mod stop;
mod turns;
mod verdict;
mod waive;
mod yields;

pub use event::{Event, Failure, ImageLayer, Moment, Report, RoleReport, SCHEMA, Started};
pub use graph::StageReport;
pub use memory::Memory;
pub use outcome::{Ending, Finding, Outcome, Waived, WaiverState, overall};
pub use record::{Record, is_waived};
pub use redact::{Redactor, named_below};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};

use crate::contract;
use crate::engine::{EngineRun, HistoryItem};
use crate::error::{Error, ErrorKind, Result};
use crate::gate::{self, Ask};
use crate::lab::bulk::Bulk;
use crate::lab::images::{self, Building, RoleBuild};
use crate::lab::{Lab, at_work, neighbours, workcopy};
use crate::project::Project;
use crate::roles;
use crate::subject::{RoleSubject, Subject};
use record::rounded;
use snapshot::Snapshot;
use stop::Stop;
use turns::Turns;
use yields::{Judged, Yields};

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
    /// Look at what passed before, too.
    pub fresh: bool,
    /// What compose.yaml interpolates: the process environment.
    pub env: BTreeMap<String, String>,
    /// What time it is: waivers expire, and reports are dated.
    pub now: time::UtcDateTime,
}

/// What is going to be done: found out without an engine, so that mistakes in files are told first.
#[derive(Debug)]
pub struct Plan {
    subject: Subject,
    /// What compose.yaml interpolates.
    env: BTreeMap<String, String>,
    roles: Vec<String>,
    contracts: Vec<&'static str>,
    redactor: Arc<Redactor>,
    asks: Vec<Ask>,
    fresh: bool,
    now: time::UtcDateTime,
}

impl Plan {
    /// What the project asks of the host.
    #[must_use]
    pub fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// Does not start the services that ask for these, as far as they are more than something to read.
    pub fn withhold(&mut self, asks: &[Ask]) {
        gate::withhold(&mut self.subject.compose, asks);
    }

    /// What the files alone show to be broken. For a run that the gate refuses before anything is built: the report then has
    /// the broken promise, too, and not only the refusal.
    #[must_use]
    pub fn broken_as_written(&self) -> Option<Moment> {
        let name = checks::UNPRIVILEGED;
        let asked = self.contracts.contains(&name);
        let verdict = asked.then(|| checks::privilege::written(&self.subject, None)).flatten()?;
        let finding = waive::apply(
            verdict.of(verdict::contract(name), 0.0),
            &self.subject.project.verify.waivers,
            self.now.date(),
        );
        Some(Moment { schema: SCHEMA, at: 0.0, event: self.redactor.event(Event::CheckDone(finding)) })
    }

    /// Why nothing that passes can be remembered for the next run; none if it can.
    #[must_use]
    pub fn forgets(&self) -> Option<String> {
        memory::hindrance(&self.subject)
    }

    /// What must not be told of this project.
    #[must_use]
    pub fn redactor(&self) -> Arc<Redactor> {
        self.redactor.clone()
    }
}

/// Reads the files and decides what to build and check.
///
/// # Errors
/// When a file is missing or malformed, a role has no service or stage, or a name in `only` is unknown.
pub fn plan(request: &Request) -> Result<Plan> {
    let env = workcopy::with_owner(request.env.clone());
    let folder = request.folder.canonicalize().map_err(|error| Error::io("cannot find", &request.folder, error))?;
    let subject = Subject::read(&folder, request.project.clone(), &env)?;
    let contracts = contracts(request)?;
    let mut needed: BTreeSet<&str> =
        contracts.iter().filter_map(|name| checks::find(name)).flat_map(|entry| entry.needs).copied().collect();
    needed.extend(request.only.iter().filter(|only| roles::find(only).is_some()).map(String::as_str));
    // Named by itself, or with nothing named, scaffold.builds is of all roles. Where a service of the user's own says nothing
    // of its port or its code, another role may: then all are looked at.
    let all = request.only.is_empty()
        || request.only.iter().any(|only| only == checks::BUILDS || only == "scaffold")
        || subject.project.is_adopted() && !needed.is_empty();
    let wanted = |role: &RoleSubject| all || needed.contains(role.role);
    let roles = subject.roles.iter().filter(|role| wanted(role)).map(|role| role.name.clone()).collect();
    let redactor = Arc::new(Redactor::of(&subject.compose, &request.env));
    let asks = gate::asks(&subject, &request.env);
    Ok(Plan { subject, env, roles, contracts, redactor, asks, fresh: request.fresh, now: request.now })
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
    // Whatever is looked at has to be built first.
    let looks = names.iter().filter_map(|name| checks::find(name)).any(|entry| !entry.needs.is_empty());
    if looks && !names.contains(&checks::BUILDS) {
        names.insert(0, checks::BUILDS);
    }
    Ok(names)
}

/// Carries a plan out on an engine. `sink` hears of everything as it happens. What passed before, and of the same, is
/// taken from `memory`, which learns what passes now, if the run comes to its end. Dropping the future stops the builds;
/// the caller then finishes `run`, which removes all that was made.
///
/// # Errors
/// When the engine fails; a contract that fails is in the report.
pub async fn run(plan: Plan, run: &EngineRun, memory: &mut Memory, sink: &(dyn Fn(Moment) + Sync)) -> Result<Report> {
    let start = Instant::now();
    workcopy::sweep(false);
    let about = run.engine().info().clone();
    let Plan { subject, env, roles, contracts, redactor, fresh, now, .. } = plan;
    let record = Record::default();
    // The one way that anything is told: dated, redacted, recorded.
    let tell = |event: Event| {
        let at = rounded(start.elapsed().as_secs_f64());
        let moment = Moment { schema: SCHEMA, at, event: redactor.event(dated(event, at)) };
        record.hear(&moment);
        sink(moment);
    };
    let waivers = subject.project.verify.waivers.clone();
    let mut yields = Yields::among(&contracts);
    let mut found = |finding: Finding, yields_to: Vec<&'static str>| {
        let broken = finding.outcome == Outcome::Fail;
        let mut finding = waive::apply(finding, &waivers, now.date());
        finding.started = rounded((start.elapsed().as_secs_f64() - finding.seconds).max(0.0));
        let decided = yields.take(Judged { finding, broken, yields_to });
        for finding in decided {
            tell(Event::CheckDone(finding));
        }
    };
    let date = now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    tell(Event::Started(Box::new(Started {
        version: env!("CARGO_PKG_VERSION"),
        project: subject.project.service.name.to_string(),
        date: date.clone(),
        engine: about,
        stages: graph::stages(&subject, &roles),
        roles: roles.clone(),
        contracts: contracts.clone(),
    })));
    let bulk = Arc::new(Bulk::of(&subject));
    let snapshot = Snapshot::take(&subject, &bulk);
    let hear = |building: Building<'_>| tell(told(building));
    let around = async {
        let neighbours = neighbours::fetch(run, &subject, &roles, &hear).await;
        (neighbours, memory::base(run, &subject, &snapshot).await)
    };
    let (images, (neighbours, base)) = tokio::join!(images::build_all(run, &subject, &roles, &hear), around);
    let (images, neighbours) = (images?, neighbours?);
    let mut fault = checks::builds::fault(&images);
    if contracts.contains(&checks::BUILDS) {
        let verdict = checks::builds::verdict(&images, &neighbours.missing().await);
        let mut finding = verdict.of(verdict::contract(checks::BUILDS), start.elapsed().as_secs_f64());
        finding.file = finding.file.map(|file| subject.shown(Path::new(&file)));
        found(settled(finding, &snapshot, &subject, &bulk), Vec::new());
    }
    let wanted = checks::ALL.iter().filter(|entry| contracts.contains(&entry.contract));
    let keyed = wanted.map(|entry| {
        let key = base.as_ref().map(|base| memory::key(base, entry, &subject, &images));
        let known = key.as_ref().filter(|_| !fresh).and_then(|key| memory.recall(entry.contract, key));
        (entry, key, known)
    });
    let (known, mut open): (Vec<_>, Vec<_>) = keyed.partition(|(.., known)| known.is_some());
    known.into_iter().filter_map(|(.., known)| known).for_each(|finding| found(finding, Vec::new()));
    open.sort_by_key(|(entry, ..)| checks::turn(entry.contract));
    let lab = Lab::new(run.clone(), subject, images, env).without(bulk.clone()).with(neighbours);
    let turns = Turns::of(lab.engine().info().cpus);
    let checked = open.into_iter().map(async |(entry, key, _)| {
        let _turn = turns.next().await;
        let (finding, yields_to) = check_one(&lab, entry, &tell).await?;
        Ok::<_, Error>((settled(finding, &snapshot, &lab.subject, &bulk), yields_to, key))
    });
    let mut checked = stream::iter(checked).buffer_unordered(turns.most());
    let mut learned = Vec::new();
    while let Some(finding) = checked.next().await {
        let (finding, yields_to, key) = finding?;
        learned.extend(key.map(|key| (redactor.finding(finding.clone()), key)));
        found(finding, yields_to);
    }
    drop(checked);
    // Before the copy that they work on goes.
    at_work::end(&lab).await;
    // What was seen of a project that changed meanwhile is of no one state.
    let subject = &lab.subject;
    let now = Snapshot::take(subject, &bulk);
    let changed = snapshot.changed(&now).iter().map(|path| subject.shown(path)).collect();
    let holds = snapshot.equals(&now);
    for (finding, key) in learned.into_iter().filter(|(finding, _)| holds || finding.outcome != Outcome::Pass) {
        memory.take(&finding, key, &date);
    }
    // A registry that does not answer is the engine's failure, and what needed it is inconclusive. A contract that fails all
    // the same is the more important word.
    if fault.is_none() {
        fault = lab.fetched.fault().await;
    }
    if let Some(fault) = fault.filter(|_| overall(&record.report().contracts) != Ending::Fail) {
        return Err(fault);
    }
    let ended = record.ended(rounded(start.elapsed().as_secs_f64()), changed);
    record.hear(&ended);
    sink(ended);
    Ok(record.report())
}

/// A failure that may come of a change in the project while it was looked at is none that could be observed.
fn settled(finding: Finding, snapshot: &Snapshot, subject: &Subject, bulk: &Bulk) -> Finding {
    if finding.outcome != Outcome::Fail {
        return finding;
    }
    let Some(path) = snapshot.changed(&Snapshot::take(subject, bulk)).into_iter().next() else { return finding };
    let observed =
        format!("{} changed while dockwright looked at it, and then {}", subject.shown(&path), finding.observed);
    let hint = Some("verify again while nothing writes in the project".to_owned());
    Finding { outcome: Outcome::Inconclusive, observed, hint, ..finding }
}

/// With the time at which a build that has ended began; that of a check is known before it is told.
fn dated(mut event: Event, at: f64) -> Event {
    if let Event::BuildDone(role) = &mut event {
        role.started = rounded((at - role.seconds).max(0.0));
    }
    event
}

/// What a check finds, and the contracts whose failure would explain it.
async fn check_one(
    lab: &Lab,
    entry: &'static checks::CheckEntry,
    sink: &(dyn Fn(Event) + Sync),
) -> Result<(Finding, Vec<&'static str>)> {
    let name = entry.contract;
    sink(Event::CheckStarted { contract: name });
    let start = Instant::now();
    let checked = match claims::unclaimed(&lab.subject, name) {
        Some(verdict) => Ok(verdict),
        None => (entry.check)(lab).await,
    };
    let verdict = match checked {
        Ok(verdict) => verdict,
        Err(Stop::Verdict(verdict)) => *verdict,
        // An engine that still answers has refused one thing: this contract cannot be seen, the others can.
        Err(Stop::Engine(error)) if error.kind() == ErrorKind::Engine && lab.engine().ping().await.is_ok() => {
            verdict::inconclusive(error.one_line())
        }
        Err(Stop::Engine(error)) => return Err(error),
    };
    let contract = verdict::contract(name);
    let yields_to = verdict.yields_to(contract);
    let mut finding = verdict.of(contract, start.elapsed().as_secs_f64());
    // Places have the path that the file was opened by.
    finding.file = finding.file.map(|file| lab.subject.shown(Path::new(&file)));
    Ok((finding, yields_to))
}

/// What is heard of a build, as an event.
fn told(building: Building<'_>) -> Event {
    match building {
        Building::Step { role, step } => Event::BuildStep { role: role.to_owned(), step },
        Building::Done(built) => Event::BuildDone(report(built)),
        Building::Pulled { service, image, seconds, failure } => {
            Event::Pulled { service: service.to_owned(), image: image.to_owned(), seconds: rounded(seconds), failure }
        }
    }
}

fn report(built: RoleBuild<'_>) -> RoleReport {
    let image = built.image.as_ref().ok();
    RoleReport {
        role: built.role.to_owned(),
        stage: built.stage,
        built: image.is_some(),
        image: image.map(|image| image.id.clone()),
        size: image.map(|image| image.size),
        started: 0.0,
        seconds: rounded(built.seconds),
        cached_steps: built.cached_steps,
        steps: built.steps,
        failure: built.failure,
        layers: built.layers.iter().map(layer).collect(),
    }
}

fn layer(item: &HistoryItem) -> ImageLayer {
    let step = item.created_by.trim_start_matches("/bin/sh -c ").trim_start_matches("#(nop)");
    ImageLayer { step: step.trim().trim_end_matches("# buildkit").trim().to_owned(), size: item.size }
}
