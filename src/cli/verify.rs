//! `dockwright verify`: builds every role, checks the contracts, reports.

use std::sync::Arc;

use super::args::{Args, VerifyArgs};
use super::scope;
use crate::error::Result;
use crate::report;
use crate::ui::{Format, Live, Ui};
use crate::verify::{self, Event, Outcome, Request};

pub(super) fn run(ui: &Ui, args: &Args, options: &VerifyArgs) -> Result<u8> {
    let request = Request {
        folder: args.project.clone(),
        project: super::project(args)?,
        only: options.only.clone(),
        build_only: options.build_only,
        env: super::environment(),
    };
    // Mistakes in files are told before an engine is looked for.
    let plan = verify::plan(&request)?;
    let sink = sink(*ui, ui.live());
    let report = scope::with_run("verify", async |run| verify::run(plan, &run, &*sink).await)?;
    drop(sink);
    match ui.format {
        Format::Json => ui.json(&report::json::document(&report)),
        Format::Human => ui.out(&report::human::summary(&report)),
    }
    Ok(match report.outcome {
        Outcome::Fail => 1,
        Outcome::Inconclusive if options.strict => 4,
        _ => 0,
    })
}

/// Where events go: rows on a terminal, lines elsewhere.
fn sink(ui: Ui, live: bool) -> Arc<dyn Fn(Event) + Send + Sync> {
    if !live {
        return Arc::new(move |event| {
            if let Some(line) = report::human::line(&event) {
                ui.say(&format!("{line}\n"));
            }
        });
    }
    let rows = Live::default();
    Arc::new(move |event| {
        match &event {
            Event::BuildStep { role, step } => rows.now(role, step),
            Event::CheckStarted(contract) => rows.now(contract, "checking"),
            Event::BuildDone(role) => rows.done(&role.role),
            Event::CheckDone(finding) => rows.done(finding.contract),
            Event::Started { .. } => {}
        }
        if let Some(line) = report::human::line(&event) {
            rows.line(&line);
        }
    })
}
