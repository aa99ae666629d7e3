//! `dockwright verify`: builds every role, checks the contracts, reports.

use std::sync::{Arc, OnceLock};

use super::args::{Args, VerifyArgs};
use super::passes::Passes;
use super::reports::Reports;
use super::scope::EngineScope;
use super::trust;
use crate::error::{Error, Result};
use crate::report;
use crate::ui::{Live, Steady, Ui};
use crate::verify::{self, Ending, Event, Failure, Redactor, Request};

/// Returns the exit code: an error has been reported by then.
pub(super) fn run(ui: &Ui, args: &Args, options: &VerifyArgs) -> u8 {
    // A report that could not be written is reported first.
    let reports = match Reports::check(*ui, args, options) {
        Ok(reports) => Arc::new(reports),
        Err(error) => return broken_off(*ui, &Reports::on_stdout(*ui, args, options), &error),
    };
    let redactor = OnceLock::new();
    if let Err(error) = prove(*ui, args, options, &reports, &redactor) {
        let error = error.with_texts(&|text| redactor.get().map_or_else(|| text.to_owned(), |one| one.text(text)));
        return broken_off(*ui, &reports, &super::told(args, error));
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
fn broken_off(ui: Ui, reports: &Reports, error: &Error) -> u8 {
    reports.hear(&reports.record().broken_off(Failure::of(error)));
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
    reports: &Arc<Reports>,
    redactor: &OnceLock<Arc<Redactor>>,
) -> Result<()> {
    let mut scope = EngineScope::new()?;
    let request = Request {
        folder: args.project.clone(),
        project: super::project(args)?,
        only: options.only.clone(),
        build_only: options.build_only,
        fresh: options.fresh,
        env: super::environment(&args.project),
        now: super::now(),
    };
    // Mistakes in files are reported before an engine is looked for.
    let mut plan = scope.compute(move || verify::plan(&request))?;
    let _ = redactor.set(plan.redactor());
    let withheld = trust::pass(ui, &options.trust, &args.project, plan.asks())
        .inspect_err(|_| plan.broken_as_written().iter().for_each(|moment| reports.hear(moment)))?;
    plan.withhold(&withheld);
    let show = show(ui, ui.live());
    let heard = reports.clone();
    let sink = move |moment: verify::Moment| {
        heard.hear(&moment);
        show(&moment.event);
    };
    let passes = Passes::of(&args.project, plan.forgets());
    let before = passes.recall();
    let mut memory = before.clone();
    let memory = scope.with_run("verify", async move |run| {
        verify::run(plan, &run, &mut memory, &sink).await?;
        Ok(memory)
    })?;
    // A run that only builds has nothing to remember.
    let remembered = if options.build_only || memory == before { Ok(()) } else { passes.keep(&memory) };
    // The results stand, whether or not the next run can use them.
    if let Err(error) = remembered {
        ui.note(&format!("the next run will check everything again: {}", error.one_line()));
    }
    Ok(())
}

/// Tells what a row is about from now on, or that it is done.
fn follow(event: &Event, now: &dyn Fn(&str, &str), done: &dyn Fn(&str)) {
    match event {
        Event::BuildStep { role, step } => now(role, step),
        Event::CheckStarted { contract } => now(contract, "checking"),
        Event::BuildDone(role) => done(&role.role),
        Event::Pulled { service, .. } => done(service),
        Event::CheckDone(finding) => done(finding.contract),
        Event::Started(_) | Event::Ended { .. } => {}
    }
}

/// How events are shown: as rows on a terminal, as lines elsewhere.
fn show(ui: Ui, live: bool) -> Box<dyn Fn(&Event) + Send + Sync> {
    if !live {
        let steady = Steady::new(ui);
        return Box::new(move |event| {
            follow(event, &|row, text| steady.now(row, text), &|row| steady.done(row));
            if let Some(line) = report::human::line(event) {
                ui.say(&format!("{line}\n"));
            }
        });
    }
    let rows = Live::default();
    Box::new(move |event| {
        follow(event, &|row, text| rows.now(row, text), &|row| rows.done(row));
        if let Some(line) = report::human::line(event) {
            rows.line(&line);
        }
    })
}
