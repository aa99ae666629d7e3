//! Proves the contracts on what is on disk: plan, build, run the checks, and say what happened as events.
//!
//! A failed contract is a [`Finding`], not an error; an error is the engine's, or the files cannot be read.

mod checks;
mod event;
mod graph;
mod memory;
mod outcome;
mod record;
mod redact;
mod snapshot;
mod stop;
mod verdict;
mod waive;
mod yields;

pub use event::{Event, Failure, Layer, Moment, Report, RoleReport, SCHEMA, Started};
pub use graph::StageReport;
pub use memory::Memory;
pub use outcome::{Ending, Finding, Outcome, Waived, WaiverState, overall};
pub use record::{Record, is_waived};
pub use redact::Redactor;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};

use crate::contract;
use crate::engine::{self, HistoryItem, Run};
use crate::error::{Error, Kind, Result};
use crate::lab::images::{self, Building, Built};
use crate::lab::{Lab, at_work, workcopy};
use crate::project::Project;
use crate::roles;
use crate::subject::{RoleSubject, Subject};
use record::rounded;
use snapshot::Snapshot;
use stop::Stop;
use yields::{Found, Yields};

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
    roles: Vec<String>,
    contracts: Vec<&'static str>,
    redactor: Arc<Redactor>,
    fresh: bool,
    now: time::UtcDateTime,
}

impl Plan {
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
    // Named by itself, or with nothing named, scaffold.builds is of all roles.
    let all = request.only.is_empty() || request.only.iter().any(|only| only == checks::BUILDS || only == "scaffold");
    let wanted = |role: &RoleSubject| all || needed.contains(role.role);
    let roles = subject.roles.iter().filter(|role| wanted(role)).map(|role| role.name.clone()).collect();
    let redactor = Arc::new(Redactor::of(&subject.compose, &env));
    Ok(Plan { subject, roles, contracts, redactor, fresh: request.fresh, now: request.now })
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
pub async fn run(plan: Plan, run: &Run, memory: &mut Memory, sink: &(dyn Fn(Moment) + Sync)) -> Result<Report> {
    let start = Instant::now();
    workcopy::sweep(false);
    let about = run.engine().info().clone();
    let Plan { subject, roles, contracts, redactor, fresh, now } = plan;
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
        let decided = yields.take(Found { finding, broken, yields_to });
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
    let snapshot = Snapshot::take(&subject);
    let hear = |building: Building<'_>| tell(told(building));
    let (images, base) =
        tokio::join!(images::build_all(run, &subject, &roles, &hear), memory::base(run, &subject, &snapshot));
    let images = images?;
    if contracts.contains(&checks::BUILDS) {
        let verdict = checks::builds::verdict(&images);
        let finding = verdict.of(verdict::contract(checks::BUILDS), start.elapsed().as_secs_f64());
        found(settled(finding, &snapshot, &subject), Vec::new());
    }
    let wanted = checks::ALL.iter().filter(|entry| contracts.contains(&entry.contract));
    let keyed = wanted.map(|entry| {
        let key = base.as_ref().map(|base| memory::key(base, entry, &subject, &images));
        let known = key.as_ref().filter(|_| !fresh).and_then(|key| memory.recall(entry.contract, key));
        (entry, key, known)
    });
    let (known, open): (Vec<_>, Vec<_>) = keyed.partition(|(.., known)| known.is_some());
    known.into_iter().filter_map(|(.., known)| known).for_each(|finding| found(finding, Vec::new()));
    let lab = Lab::new(run.clone(), subject, images);
    let checked = open.into_iter().map(async |(entry, key, _)| {
        let (finding, yields_to) = check_one(&lab, entry, &tell).await?;
        Ok::<_, Error>((settled(finding, &snapshot, &lab.subject), yields_to, key))
    });
    // Containers wait more than they work, but those that compile or test want a processor each.
    let mut checked = stream::iter(checked).buffer_unordered(engine_width(&lab));
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
    let now = Snapshot::take(subject);
    let changed = snapshot.changed(&now).iter().map(|path| subject.shown(path)).collect();
    let holds = snapshot.equals(&now);
    for (finding, key) in learned.into_iter().filter(|(finding, _)| holds || finding.outcome != Outcome::Pass) {
        memory.take(&finding, key, &date);
    }
    let ended = record.ended(rounded(start.elapsed().as_secs_f64()), changed);
    record.hear(&ended);
    sink(ended);
    Ok(record.report())
}

/// A failure that may come of a change in the project while it was looked at is none that could be observed.
fn settled(finding: Finding, snapshot: &Snapshot, subject: &Subject) -> Finding {
    if finding.outcome != Outcome::Fail {
        return finding;
    }
    let Some(path) = snapshot.changed(&Snapshot::take(subject)).into_iter().next() else { return finding };
    let observed = format!("{} changed while it was looked at, and then {}", subject.shown(&path), finding.observed);
    let hint = Some("verify again, while nobody writes in the project".to_owned());
    Finding { outcome: Outcome::Inconclusive, observed, hint, ..finding }
}

/// With the time at which a build that has ended began; that of a check is known before it is told.
fn dated(mut event: Event, at: f64) -> Event {
    if let Event::BuildDone(role) = &mut event {
        role.started = rounded((at - role.seconds).max(0.0));
    }
    event
}

fn engine_width(lab: &Lab) -> usize {
    usize::try_from(lab.engine().info().cpus).unwrap_or(1).clamp(1, 4) + 1
}

/// What a check finds, and the contracts whose failure would explain it.
async fn check_one(
    lab: &Lab,
    entry: &'static checks::Entry,
    sink: &(dyn Fn(Event) + Sync),
) -> Result<(Finding, Vec<&'static str>)> {
    let name = entry.contract;
    sink(Event::CheckStarted { contract: name });
    let start = Instant::now();
    let verdict = match (entry.check)(lab).await {
        Ok(verdict) => verdict,
        Err(Stop::Verdict(verdict)) => *verdict,
        // An engine that still answers has refused one thing: this contract cannot be seen, the others can.
        Err(Stop::Engine(error))
            if error.kind() == Kind::Engine && !engine::is_full(&error) && lab.engine().ping().await.is_ok() =>
        {
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
    }
}

fn report(built: Built<'_>) -> RoleReport {
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
        layers: built.layers.iter().map(layer).collect(),
    }
}

fn layer(item: &HistoryItem) -> Layer {
    let step = item.created_by.trim_start_matches("/bin/sh -c ").trim_start_matches("#(nop)");
    Layer { step: step.trim().trim_end_matches("# buildkit").trim().to_owned(), size: item.size }
}
