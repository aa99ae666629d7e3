//! The report out of the events, whether or not they come to their end.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::event::{Event, Failure, Moment, Report, RoleReport, SCHEMA, Started};
use super::outcome::{Ending, Finding, Outcome, overall};
use super::verdict::{self, skipped};
use crate::contract;

/// Hears all events of a run, and gives the report of what has been heard so far.
#[derive(Debug, Default)]
pub struct Record(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    at: f64,
    /// When the run began, by its first event.
    begun: Option<Instant>,
    started: Option<Box<Started>>,
    roles: Vec<RoleReport>,
    findings: Vec<Finding>,
    changed: Vec<String>,
    error: Option<Failure>,
}

impl Record {
    /// Takes an event in.
    pub fn hear(&self, moment: &Moment) {
        let mut heard = self.lock();
        let begun = Instant::now().checked_sub(Duration::from_secs_f64(moment.at.max(0.0)));
        heard.begun = heard.begun.or(begun);
        heard.at = heard.at.max(moment.at);
        match &moment.event {
            Event::Started(started) => heard.started = Some(started.clone()),
            Event::BuildDone(role) => heard.roles.push(role.clone()),
            Event::CheckDone(finding) => heard.findings.push(finding.clone()),
            Event::Ended { error, changed, .. } => {
                heard.error.clone_from(error);
                heard.changed.clone_from(changed);
            }
            Event::BuildStep { .. } | Event::Pulled { .. } | Event::CheckStarted { .. } => {}
        }
    }

    /// Whether a run has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.lock().started.is_some()
    }

    /// The report. What was to be checked and was not is skipped.
    #[must_use]
    pub fn report(&self) -> Report {
        let heard = self.lock();
        let mut roles = heard.roles.clone();
        let mut contracts = heard.findings.clone();
        let started = heard.started.as_deref();
        if let Some(started) = started {
            let told: BTreeSet<&str> = heard.findings.iter().map(|finding| finding.contract).collect();
            let why = match &heard.error {
                Some(error) if error.kind == "interrupted" => "not run: interrupted".to_owned(),
                Some(error) => format!("not run: {}", error.message),
                None => "not run".to_owned(),
            };
            let open = started.contracts.iter().filter(|name| !told.contains(**name));
            contracts.extend(open.map(|name| skipped(why.clone()).of(verdict::contract(name), 0.0)));
            let place = |role: &RoleReport| {
                let role_at = started.roles.iter().position(|name| *name == role.role);
                (role_at, started.stages.iter().position(|stage| stage.stage == role.stage))
            };
            roles.sort_by_key(place);
        }
        contracts.sort_by_key(|finding| contract::ALL.iter().position(|one| one.name == finding.contract));
        Report {
            schema: SCHEMA,
            outcome: if heard.error.is_some() { Ending::Error } else { ending(overall(&contracts), &heard.changed) },
            changed: heard.changed.clone(),
            error: heard.error.clone(),
            version: env!("CARGO_PKG_VERSION"),
            project: started.map(|started| started.project.clone()).unwrap_or_default(),
            date: started.map(|started| started.date.clone()).unwrap_or_default(),
            engine: started.map(|started| started.engine.clone()),
            roles,
            stages: started.map(|started| started.stages.clone()).unwrap_or_default(),
            contracts,
            seconds: rounded(heard.at),
        }
    }

    /// The last event of a run that `error` has ended.
    #[must_use]
    pub fn broken_off(&self, failure: Failure) -> Moment {
        // The last event may be long ago.
        let heard = self.lock();
        let now = heard.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        let at = rounded(heard.at.max(now));
        let event = Event::Ended { outcome: Ending::Error, seconds: at, changed: Vec::new(), error: Some(failure) };
        Moment { schema: SCHEMA, at, event }
    }

    /// The last event of a run that came to its end.
    #[must_use]
    pub(super) fn ended(&self, at: f64, changed: Vec<String>) -> Moment {
        let outcome = ending(self.report().outcome, &changed);
        Moment { schema: SCHEMA, at, event: Event::Ended { outcome, seconds: rounded(at), changed, error: None } }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().expect("nothing panics while it hears")
    }
}

/// What passed of a project that changed meanwhile was seen of no one state.
fn ending(outcome: Ending, changed: &[String]) -> Ending {
    if outcome == Ending::Pass && !changed.is_empty() { Ending::Inconclusive } else { outcome }
}

/// To thousandths.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Whether what failed has been left to a waiver.
#[must_use]
pub fn is_waived(finding: &Finding) -> bool {
    finding.outcome == Outcome::Skipped && finding.waiver.is_some()
}
