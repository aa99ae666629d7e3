//! Reports, all made from verification's events: one file each.

pub mod github;
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod ndjson;
pub mod sarif;
mod text;

use std::path::{Path, PathBuf};

use crate::verify::{Moment, Report};

/// The kinds of reports that are files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// The page.
    Html,
    /// The JSON document.
    Json,
    /// `JUnit`'s XML.
    Junit,
    /// The events, one to a line.
    Ndjson,
    /// SARIF 2.1.0.
    Sarif,
}

/// How a report is written.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Whether what could not be seen counts as an error (`--strict`).
    pub strict: bool,
    /// What leads from where the report is read (the repository's root) to the project: empty, or ending in a slash.
    pub prefix: String,
    /// The project's folder as the user named it: errors name files by it.
    pub project: PathBuf,
}

impl Manner {
    /// A finding's file from there; none if it is outside the project.
    fn path(&self, file: &str) -> Option<String> {
        let inside = !file.is_empty() && !file.starts_with('/') && file.split('/').all(|part| part != "..");
        inside.then(|| format!("{}{file}", self.prefix))
    }

    /// An error's file from there, likewise.
    fn error_path(&self, file: &str) -> Option<String> {
        let inner = Path::new(file).strip_prefix(&self.project).ok().and_then(Path::to_str);
        self.path(inner.unwrap_or(file))
    }
}

/// The whole text of a report. `moments` are the events that `ndjson` is made of.
#[must_use]
pub fn text(kind: ReportKind, report: &Report, moments: &[Moment], manner: &Manner) -> String {
    match kind {
        ReportKind::Html => html::page(report),
        ReportKind::Json => json::text(report),
        ReportKind::Junit => junit::text(report, manner),
        ReportKind::Ndjson => moments.iter().map(ndjson::line).collect(),
        ReportKind::Sarif => sarif::text(report, manner),
    }
}
