//! The timeline of builds and checks, and the images' layers by size, as bars.

use crate::report::text::{cut, megabytes, one_line};
use crate::verify::{ImageLayer, Report, RoleReport};

/// A bar of the timeline; places are in hundredths of its width.
pub(super) struct Bar {
    pub(super) name: String,
    /// `build`, or the outcome of a check.
    pub(super) kind: String,
    pub(super) left: f64,
    pub(super) width: f64,
    pub(super) started: f64,
    pub(super) seconds: f64,
}

/// An image's layers beside each other.
pub(super) struct ImageBar {
    pub(super) name: String,
    pub(super) size: String,
    pub(super) parts: Vec<Part>,
}

/// A layer.
pub(super) struct Part {
    /// In hundredths of the largest image.
    pub(super) width: f64,
    pub(super) size: String,
    pub(super) step: String,
    /// Whether an image above has it, too.
    pub(super) shared: bool,
}

fn whole(report: &Report) -> f64 {
    let ends = report.roles.iter().map(|role| role.started + role.seconds);
    let ends = ends.chain(report.contracts.iter().map(|finding| finding.started + finding.seconds));
    ends.fold(report.seconds, f64::max).max(0.001)
}

/// All builds and checks in the order of their beginnings.
pub(super) fn timeline(report: &Report) -> Vec<Bar> {
    let whole = whole(report);
    let bar = |name: String, kind: String, started: f64, seconds: f64| {
        let left = (started / whole * 100.0).clamp(0.0, 99.5);
        let width = (seconds / whole * 100.0).clamp(0.5, 100.0 - left);
        Bar { name, kind, left, width, started, seconds }
    };
    let builds = report.roles.iter().map(|role| {
        let name = format!("build {}", label(role));
        bar(name, if role.built { "build" } else { "fail" }.to_owned(), role.started, role.seconds)
    });
    let ran = report.contracts.iter().filter(|finding| finding.seconds > 0.0);
    let checks = ran.map(|one| bar(one.contract.to_owned(), one.outcome.to_string(), one.started, one.seconds));
    let mut bars: Vec<Bar> = builds.chain(checks).collect();
    bars.sort_by(|one, other| one.started.total_cmp(&other.started));
    bars
}

/// The times at a quarter, a half, three quarters and the whole.
pub(super) fn ticks(report: &Report) -> Vec<String> {
    let whole = whole(report);
    [0.25, 0.5, 0.75, 1.0].iter().map(|part| format!("{:.0} s", part * whole)).collect()
}

fn label(role: &RoleReport) -> String {
    if role.role == role.stage { role.role.clone() } else { format!("{} ({})", role.role, role.stage) }
}

fn total(role: &RoleReport) -> u64 {
    role.layers.iter().map(|layer| layer.size).sum::<u64>().max(role.size.unwrap_or(0))
}

/// The layers of each image, beside those of the largest.
pub(super) fn images(report: &Report) -> Vec<ImageBar> {
    let largest = report.roles.iter().map(total).max().unwrap_or(0).max(1);
    let built = report.roles.iter().enumerate().filter(|(_, role)| role.built);
    let image = |(at, role): (usize, &RoleReport)| {
        let shared = shared(&report.roles[..at], role);
        let part = |(index, layer): (usize, &ImageLayer)| Part {
            width: share(layer.size, largest),
            size: megabytes(layer.size),
            step: cut(&one_line(&layer.step), 300).into_owned(),
            shared: index < shared,
        };
        ImageBar {
            name: label(role),
            size: role.size.map(megabytes).unwrap_or_default(),
            parts: role.layers.iter().enumerate().map(part).collect(),
        }
    };
    built.map(image).collect()
}

#[expect(clippy::cast_precision_loss, reason = "for a drawing")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64 * 100.0
}

/// How many of an image's layers, from the lowest on, one of these images has, too.
fn shared(others: &[RoleReport], role: &RoleReport) -> usize {
    let common = |other: &RoleReport| other.layers.iter().zip(&role.layers).take_while(|(one, two)| one == two).count();
    others.iter().map(common).max().unwrap_or(0)
}

/// What all of them take on the disk, layers that they share once.
pub(super) fn stored(report: &Report) -> String {
    let own = report.roles.iter().enumerate().flat_map(|(at, role)| {
        let from = shared(&report.roles[..at], role);
        role.layers[from..].iter().map(|layer| layer.size)
    });
    megabytes(own.sum())
}
