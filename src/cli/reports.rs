//! Where the reports of `dockwright verify` go.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::args::{Args, FormatArg, ReportArg, VerifyArgs};
use crate::error::{Error, Result};
use crate::report::{self, Manner, ReportKind};
use crate::ui::Ui;
use crate::verify::{Moment, Record, Report};
use crate::write;

/// What has happened, and the reports to make of it.
pub(super) struct Reports {
    ui: Ui,
    format: FormatArg,
    github: bool,
    /// Whether what passed is printed with its evidence.
    evidence: bool,
    files: Vec<(ReportKind, PathBuf)>,
    manner: Manner,
    record: Record,
    /// Kept only if a report is made of them.
    moments: Option<Mutex<Vec<Moment>>>,
}

impl Reports {
    /// The requested reports.
    ///
    /// # Errors
    /// When one could not be written at the end.
    pub(super) fn check(ui: Ui, args: &Args, options: &VerifyArgs) -> Result<Self> {
        let mut reports = Self::on_stdout(ui, args, options);
        let here = std::env::current_dir().map_err(|error| Error::io("cannot find", Path::new("."), error))?;
        for one in &options.report {
            let ReportArg::File(kind, file) = one else { continue };
            write::check_replace(file, &here)?;
            if reports.files.iter().any(|(_, other)| other == file) {
                return Err(Error::usage(format!("two reports have the same file, {}", file.display()))
                    .hint("give each report a file of its own"));
            }
            reports.files.push((*kind, file.clone()));
        }
        if let Some(file) = reports.step_summary() {
            write::append(&file, "")?;
        }
        reports.moments = reports.files.iter().any(|(kind, _)| *kind == ReportKind::Ndjson).then(Mutex::default);
        Ok(reports)
    }

    /// Only what is printed: no files.
    pub(super) fn on_stdout(ui: Ui, args: &Args, options: &VerifyArgs) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let manner =
            Manner { strict: options.strict, prefix: prefix(&args.project, &here), project: args.project.clone() };
        let github = args.format == FormatArg::Github || options.report.contains(&ReportArg::Github);
        Self {
            ui,
            format: args.format,
            github,
            evidence: options.verbose,
            files: Vec::new(),
            manner,
            record: Record::default(),
            moments: None,
        }
    }

    /// Where GitHub's runner wants the table.
    fn step_summary(&self) -> Option<PathBuf> {
        let file = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty() && self.github);
        file.map(PathBuf::from)
    }

    /// Takes an event in.
    pub(super) fn hear(&self, moment: &Moment) {
        self.record.hear(moment);
        if self.format == FormatArg::Ndjson {
            self.ui.out(&report::ndjson::line(moment));
        }
        if let Some(moments) = &self.moments {
            moments.lock().expect("nothing panics with the events in hand").push(moment.clone());
        }
    }

    /// What has been heard.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Writes all reports.
    ///
    /// # Errors
    /// When one cannot be written; the others are.
    pub(super) fn deliver(&self) -> Result<Report> {
        let report = self.record.report();
        let nothing = Vec::new();
        match self.format {
            FormatArg::Human if report.error.is_none() || !report.contracts.is_empty() => {
                self.ui.out(&report::human::summary(&report, self.ui.width(), self.evidence));
            }
            FormatArg::Human | FormatArg::Github | FormatArg::Ndjson => {}
            FormatArg::Json => self.ui.out(&report::text(ReportKind::Json, &report, &nothing, &self.manner)),
            FormatArg::Junit => self.ui.out(&report::text(ReportKind::Junit, &report, &nothing, &self.manner)),
            FormatArg::Sarif => self.ui.out(&report::text(ReportKind::Sarif, &report, &nothing, &self.manner)),
        }
        let mut failed = self.github.then(|| self.for_runner(&report)).transpose().err();
        let moments = self.moments.as_ref().map(|moments| moments.lock().expect("nothing panics with the events"));
        let moments = moments.as_deref().unwrap_or(&nothing);
        for (kind, file) in &self.files {
            let text = report::text(*kind, &report, moments, &self.manner);
            failed = write::replace(file, text.as_bytes()).err().or(failed);
        }
        failed.map_or(Ok(report), Err)
    }

    fn for_runner(&self, report: &Report) -> Result<()> {
        let annotations = report::github::annotations(report, &self.manner);
        // The runner reads both; a document on stdout stays whole.
        if matches!(self.format, FormatArg::Github | FormatArg::Human) {
            self.ui.out(&annotations);
        } else {
            self.ui.say(&annotations);
        }
        match self.step_summary() {
            Some(file) => write::append(&file, &report::github::summary(report)),
            None => Ok(()),
        }
    }
}

/// What leads from the repository's root (as GitHub's runner names it, else the current folder) to the project.
fn prefix(project: &Path, here: &Path) -> String {
    let root = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let root = root.and_then(|root| root.canonicalize().ok()).or_else(|| here.canonicalize().ok());
    let below = project.canonicalize().ok().zip(root).and_then(|(project, root)| {
        let below = project.strip_prefix(root).ok()?;
        below.to_str().map(str::to_owned)
    });
    match below {
        Some(below) if !below.is_empty() => format!("{below}/"),
        _ => String::new(),
    }
}
