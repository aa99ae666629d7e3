//! `dockwright verify`: builds every role, checks the contracts, reports.

use std::sync::{Arc, OnceLock};

use super::args::{Args, VerifyArgs};
use super::passes::Passes;
use super::reports::Reports;
use super::scope::Scope;
use crate::error::{Error, Result};
use crate::report;
use crate::ui::{Live, Ui};
use crate::verify::{self, Ending, Event, Failure, Redactor, Request};

/// Returns the exit code: an error has been reported by then.
pub(super) fn run(ui: &Ui, args: &Args, options: &VerifyArgs) -> u8 {
    // A report that could not be written is reported first.
    let reports = match Reports::check(*ui, args, options) {
        Ok(reports) => reports,
        Err(error) => return broken_off(*ui, &Reports::on_stdout(*ui, args, options), &error, None),
    };
    let redactor = OnceLock::new();
    if let Err(error) = prove(*ui, args, options, &reports, &redactor) {
        return broken_off(*ui, &reports, &error, redactor.get());
    }
    let ending = match reports.deliver() {
        Ok(report) => report.outcome,
        // stdout has its document already.
        Err(error) => {
            ui.explain(&error);
            return error.kind().exit_code();
        }
    };
    match ending {
        Ending::Fail => 1,
        Ending::Inconclusive if options.strict => 4,
        _ => 0,
    }
}

/// Reports what was known until an error, and shows the error on stderr, too. Returns the exit code.
fn broken_off(ui: Ui, reports: &Reports, error: &Error, redactor: Option<&Arc<Redactor>>) -> u8 {
    let failure = Failure::of(error);
    let failure = redactor.map_or_else(|| failure.clone(), |redactor| redactor.failure(failure.clone()));
    reports.hear(&reports.record().broken_off(failure));
    let delivered = reports.deliver();
    ui.explain(error);
    if let Err(error) = delivered {
        ui.explain(&error);
    }
    error.kind().exit_code()
}

fn prove(
    ui: Ui,
    args: &Args,
    options: &VerifyArgs,
    reports: &Reports,
    redactor: &OnceLock<Arc<Redactor>>,
) -> Result<()> {
    let scope = Scope::new()?;
    let request = Request {
        folder: args.project.clone(),
        project: super::project(args)?,
        only: options.only.clone(),
        build_only: options.build_only,
        fresh: options.fresh,
        env: super::environment(),
        now: super::now(),
    };
    // Mistakes in files are reported before an engine is looked for.
    let plan = verify::plan(&request)?;
    let _ = redactor.set(plan.redactor());
    let show = show(ui, ui.live());
    let sink = |moment: verify::Moment| {
        reports.hear(&moment);
        show(&moment.event);
    };
    let passes = Passes::of(&args.project, plan.forgets());
    let mut memory = passes.recall();
    let before = memory.clone();
    scope.with_run("verify", async |run| verify::run(plan, &run, &mut memory, &sink).await)?;
    // A run that only builds has nothing to remember.
    let remembered = if options.build_only || memory == before { Ok(()) } else { passes.keep(&memory) };
    // The results stand, whether or not the next run can use them.
    if let Err(error) = remembered {
        ui.note(&format!("the next run will check everything again: {}", error.one_line()));
    }
    Ok(())
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
