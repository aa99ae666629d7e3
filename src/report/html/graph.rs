//! The roles' stages as a drawing: each under the one that it starts from, further in; what it copies from at the right.
//!
//! It is narrow, so that a telephone shows it in full.

use crate::report::text::{cut, megabytes};
use crate::verify::{Finding, Outcome, Report, StageReport};

const ROW: usize = 38;
const INDENT: usize = 24;
/// A letter of the drawing's font, in pixels, generously.
const LETTER: usize = 8;
const LONGEST: usize = 26;

/// The drawing, in pixels.
pub(super) struct Graph {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) nodes: Vec<GraphNode>,
    /// From a stage to one that starts from it: the commands of a path.
    pub(super) edges: Vec<String>,
    /// From a stage to one that copies from it, likewise.
    pub(super) copies: Vec<String>,
}

/// A stage.
pub(super) struct GraphNode {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) name: String,
    /// What it starts from, where that is an outside image; the size of its image; how many promises are broken.
    pub(super) note: String,
    /// Whether a role runs it.
    pub(super) is_role: bool,
    /// Whether that role breaks a promise.
    pub(super) broken: bool,
    /// The whole, for those who do not see it.
    pub(super) words: String,
}

impl GraphNode {
    fn middle(&self) -> usize {
        self.y + ROW / 2 - 4
    }

    pub(super) fn text_y(&self) -> usize {
        self.middle() + 4
    }

    pub(super) fn note_x(&self) -> usize {
        self.x + self.width + 8
    }
}

/// The drawing of a report's stages.
pub(super) fn of(report: &Report) -> Graph {
    let mut order = Vec::new();
    for root in report.stages.iter().filter(|stage| parent(report, stage).is_none()) {
        visit(report, root, 0, &mut order);
    }
    let nodes: Vec<GraphNode> =
        order.iter().enumerate().map(|(row, (stage, depth))| node(report, stage, row, *depth)).collect();
    let find = |name: &str| order.iter().position(|(stage, _)| stage.stage == name);
    let (mut edges, mut copies) = (Vec::new(), Vec::new());
    let mut reach = 0;
    for (row, (stage, _)) in order.iter().enumerate() {
        let to = &nodes[row];
        if let Some(from) = stage.parent.as_deref().and_then(find) {
            let from = &nodes[from];
            let (x, y) = (from.x + INDENT / 2, from.y + ROW - 8);
            edges.push(format!("M{x} {y}V{}q0 6 6 6H{}", to.middle() - 6, to.x));
        }
        for from in stage.copies.iter().filter_map(|name| find(name)) {
            let (from, rows) = (&nodes[from], from.abs_diff(row));
            let bulge = 26 + 7 * rows;
            let out = from.note_x() + note_width(from);
            let back = to.note_x() + note_width(to);
            let side = out.max(back) + bulge;
            reach = reach.max(side);
            copies.push(format!(
                "M{out} {}C{side} {} {side} {} {back} {}",
                from.middle(),
                from.middle(),
                to.middle(),
                to.middle()
            ));
        }
    }
    let widest = nodes.iter().map(|node| node.note_x() + note_width(node)).max().unwrap_or(0);
    Graph { width: widest.max(reach) + 8, height: nodes.len() * ROW, nodes, edges, copies }
}

fn note_width(node: &GraphNode) -> usize {
    node.note.chars().count() * 7 + 5
}

fn parent<'a>(report: &'a Report, stage: &StageReport) -> Option<&'a StageReport> {
    let name = stage.parent.as_deref()?;
    report.stages.iter().find(|other| other.stage == name)
}

fn visit<'a>(report: &'a Report, stage: &'a StageReport, depth: usize, order: &mut Vec<(&'a StageReport, usize)>) {
    order.push((stage, depth));
    for child in report.stages.iter().filter(|child| child.parent.as_deref() == Some(&stage.stage)) {
        // A stage that names itself, or one that is here already, is not a child.
        if !order.iter().any(|(known, _)| known.stage == child.stage) {
            visit(report, child, depth + 1, order);
        }
    }
}

fn node(report: &Report, stage: &StageReport, row: usize, depth: usize) -> GraphNode {
    let name = cut(&stage.stage, LONGEST).into_owned();
    let size = report.roles.iter().find(|role| role.stage == stage.stage).and_then(|role| role.size).map(megabytes);
    let outside = stage.parent.is_none().then(|| format!("from {}", cut(&stage.from, LONGEST)));
    let roles = stage.roles.iter().map(|role| if role.starts_with("installation-") { "installation" } else { role });
    let roles: Vec<&str> = roles.collect();
    let fails = |finding: &&Finding| finding.outcome == Outcome::Fail && roles.contains(&finding.role);
    let broken = report.contracts.iter().filter(fails).count();
    let failed = (broken > 0).then(|| format!("{broken} failed"));
    let copies = match stage.copies.as_slice() {
        [] => String::new(),
        from => format!(", copies from {}", from.join(" and ")),
    };
    GraphNode {
        x: 2 + depth * INDENT,
        y: row * ROW,
        width: name.chars().count() * LETTER + 20,
        note: [outside, size, failed].into_iter().flatten().collect::<Vec<_>>().join(", "),
        broken: broken > 0,
        is_role: !stage.roles.is_empty(),
        words: format!("{} starts from {}{copies} ({}:{})", stage.stage, stage.from, stage.file, stage.line),
        name,
    }
}
