//! `dockwright verify`: builds every role, checks the contracts, reports.

use std::sync::OnceLock;

use super::args::{Args, VerifyArgs};
use super::reports::Reports;
use super::scope;
use crate::error::Result;
use crate::report;
use crate::ui::{Live, Ui};
use crate::verify::{self, Ending, Event, Failure, Redactor, Request};

pub(super) fn run(ui: &Ui, args: &Args, options: &VerifyArgs) -> Result<u8> {
    // A report that could not be written is told first.
    let reports = Reports::check(*ui, args, options)?;
    let redactor = OnceLock::new();
    let proved = prove(*ui, args, options, &reports, &redactor);
    if let Err(error) = &proved {
        let failure = Failure::of(error);
        let failure = match redactor.get() {
            Some(redactor) => Redactor::failure(redactor, failure),
            None => failure,
        };
        reports.hear(&reports.record().broken_off(failure));
    }
    let delivered = reports.deliver();
    // The reports tell it, and whoever looks at stderr is told, too.
    if let Err(error) = proved {
        ui.explain(&error);
        if let Err(error) = delivered {
            ui.explain(&error);
        }
        return Ok(error.kind().exit_code());
    }
    Ok(match delivered?.outcome {
        Ending::Fail => 1,
        Ending::Inconclusive if options.strict => 4,
        _ => 0,
    })
}

fn prove(
    ui: Ui,
    args: &Args,
    options: &VerifyArgs,
    reports: &Reports,
    redactor: &OnceLock<std::sync::Arc<Redactor>>,
) -> Result<()> {
    let request = Request {
        folder: args.project.clone(),
        project: super::project(args)?,
        only: options.only.clone(),
        build_only: options.build_only,
        env: super::environment(),
        now: super::now(),
    };
    // Mistakes in files are told before an engine is looked for.
    let plan = verify::plan(&request)?;
    let _ = redactor.set(plan.redactor());
    let show = show(ui, ui.live());
    let sink = |moment: verify::Moment| {
        reports.hear(&moment);
        show(&moment.event);
    };
    scope::with_run("verify", async |run| verify::run(plan, &run, &sink).await).map(drop)
}

/// How events are shown: as rows on a terminal, as lines elsewhere.
fn show(ui: Ui, live: bool) -> Box<dyn Fn(&Event) + Send + Sync> {
    if !live {
        return Box::new(move |event| {
            if let Some(line) = report::human::line(event) {
                ui.say(&format!("{line}\n"));
            }
        });
    }
    let rows = Live::default();
    Box::new(move |event| {
        match event {
            Event::BuildStep { role, step } => rows.now(role, step),
            Event::CheckStarted { contract } => rows.now(contract, "checking"),
            Event::BuildDone(role) => rows.done(&role.role),
            Event::CheckDone(finding) => rows.done(finding.contract),
            Event::Started(_) | Event::Ended { .. } => {}
        }
        if let Some(line) = report::human::line(event) {
            rows.line(&line);
        }
    })
}
