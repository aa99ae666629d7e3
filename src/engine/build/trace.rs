//! `BuildKit`'s account of a build, as events.

use std::collections::HashMap;
use std::time::Duration;

use bollard::moby::buildkit::v1::{StatusResponse, Vertex};
use bollard::models::{BuildInfo, BuildInfoAux};

use super::model::{BuildEvent, BuildFailure, BuildStep, Ended, TAIL};

/// What has been told so far.
#[derive(Default)]
pub(super) struct Trace {
    only_stage: String,
    steps: HashMap<String, Known>,
    count: u32,
    error: Option<String>,
    image: bool,
    sent: u64,
}

/// A step, what it printed last, and how far it is.
#[derive(Default)]
struct Known {
    step: BuildStep,
    told: Told,
    failed: Option<String>,
    log: Vec<String>,
    partial: Vec<u8>,
}

#[derive(Default, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Told {
    #[default]
    Nothing,
    Started,
    Ended,
}

impl Trace {
    /// The engine leaves the name of a Dockerfile's only stage out.
    pub(super) fn new(only_stage: String) -> Self {
        Self { only_stage, ..Default::default() }
    }

    /// Takes one line of the engine's answer.
    pub(super) fn add(&mut self, info: BuildInfo, events: &mut impl FnMut(BuildEvent)) {
        if let Some(error) = info.error_detail.and_then(|detail| detail.message) {
            self.error = Some(error);
        }
        match info.aux {
            Some(BuildInfoAux::BuildKit(status)) => self.status(status, events),
            Some(BuildInfoAux::Default(image)) => self.image |= image.id.is_some(),
            None => {}
        }
    }

    /// Tells how much of the context was sent, if that is news.
    pub(super) fn context_sent(&mut self, bytes: u64, events: &mut impl FnMut(BuildEvent)) {
        if bytes > self.sent {
            self.sent = bytes;
            events(BuildEvent::ContextSent { bytes });
        }
    }

    fn status(&mut self, status: StatusResponse, events: &mut impl FnMut(BuildEvent)) {
        for vertex in status.vertexes {
            self.vertex(&vertex, events);
        }
        for log in status.logs {
            if let Some(known) = self.steps.get_mut(&log.vertex) {
                known.print(&log.msg, events);
            }
        }
        for warning in status.warnings {
            let mut message = String::from_utf8_lossy(&warning.short).into_owned();
            for detail in &warning.detail {
                message = format!("{message}: {}", String::from_utf8_lossy(detail));
            }
            let line = warning
                .ranges
                .first()
                .and_then(|range| range.start.as_ref())
                .and_then(|start| start.line.try_into().ok());
            events(BuildEvent::Warning { message, line, url: Some(warning.url).filter(|url| !url.is_empty()) });
        }
    }

    fn vertex(&mut self, vertex: &Vertex, events: &mut impl FnMut(BuildEvent)) {
        let (count, only_stage) = (&mut self.count, self.only_stage.as_str());
        let known = self.steps.entry(vertex.digest.clone()).or_insert_with(|| {
            *count += 1;
            Known { step: step(*count, &vertex.name, only_stage), ..Default::default() }
        });
        if vertex.started.is_some() && known.told < Told::Started {
            known.told = Told::Started;
            events(BuildEvent::StepStarted(known.step.clone()));
        }
        if vertex.completed.is_none() || known.told == Told::Ended {
            return;
        }
        known.told = Told::Ended;
        known.flush(events);
        let step = known.step.clone();
        events(if !vertex.error.is_empty() {
            known.failed = Some(vertex.error.clone());
            BuildEvent::StepFailed { step, message: vertex.error.clone() }
        } else if vertex.cached {
            BuildEvent::StepCached(step)
        } else {
            BuildEvent::StepDone { step, took: took(vertex) }
        });
    }

    /// What came of the build.
    pub(super) fn end(self) -> Ended {
        let Some(message) = self.error else {
            return if self.image { Ended::Built } else { Ended::BrokenOff };
        };
        // A step that fails stops its neighbours, which then are "canceled".
        let mut failed: Vec<_> = self.steps.into_values().filter(|known| known.failed.is_some()).collect();
        failed.sort_by_key(|known| (known.failed.as_deref().is_some_and(is_cancelled), known.step.id));
        let mut failure = BuildFailure { message: plain(&message), ..Default::default() };
        failure.exit_code = exit_code(&message);
        failure.line = stated_line(&message);
        if let Some(known) = failed.into_iter().next() {
            let why = known.failed.unwrap_or_default();
            failure.exit_code = failure.exit_code.or_else(|| exit_code(&why));
            failure.instruction = known.step.instruction.or(Some(known.step.name));
            failure.stage = known.step.stage;
            failure.log_tail = known.log;
        }
        Ended::Failed(failure)
    }
}

impl Known {
    fn print(&mut self, bytes: &[u8], events: &mut impl FnMut(BuildEvent)) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.flush(events);
            }
        }
    }

    fn flush(&mut self, events: &mut impl FnMut(BuildEvent)) {
        if self.partial.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&self.partial).trim_end_matches(['\n', '\r']).to_owned();
        self.partial.clear();
        if self.log.len() == TAIL {
            self.log.remove(0);
        }
        self.log.push(line.clone());
        events(BuildEvent::Log { step: self.step.id, line });
    }
}

fn took(vertex: &Vertex) -> Duration {
    let (Some(start), Some(end)) = (&vertex.started, &vertex.completed) else {
        return Duration::ZERO;
    };
    let nanos = i128::from(end.seconds - start.seconds) * 1_000_000_000 + i128::from(end.nanos - start.nanos);
    Duration::from_nanos(nanos.max(0).try_into().unwrap_or(u64::MAX))
}

/// Reads a name as `[dev 2/5] RUN x`, `[linux/amd64 dev 2/5] RUN x`, `[2/5] RUN x` or `[internal] load …`.
fn step(id: u32, name: &str, only_stage: &str) -> BuildStep {
    let mut step = BuildStep { id, name: name.to_owned(), ..Default::default() };
    let Some((inside, instruction)) = name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
        return step;
    };
    let Some(last) = inside.split_whitespace().next_back() else { return step };
    let Some((at, of)) = last.split_once('/') else { return step };
    let (Ok(at), Ok(of)) = (at.parse(), of.parse()) else { return step };
    step.position = Some((at, of));
    step.instruction = Some(instruction.to_owned());
    let mut words: Vec<_> = inside.split_whitespace().collect();
    words.pop();
    // A word with a slash is the platform.
    let named = words.last().filter(|word| !word.contains('/'));
    step.stage = Some(named.copied().unwrap_or(only_stage).to_owned());
    step
}

fn is_cancelled(message: &str) -> bool {
    message.contains("context canceled")
}

/// The engine's message without the layers it is wrapped in.
fn plain(message: &str) -> String {
    let message = message.strip_prefix("failed to solve: ").unwrap_or(message);
    let message = message.strip_prefix("failed to solve with frontend dockerfile.v0: ").unwrap_or(message);
    message.strip_prefix("rpc error: code = Unknown desc = ").unwrap_or(message).trim().to_owned()
}

/// Errors of the Dockerfile's own grammar name the line.
pub(super) fn stated_line(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("parse error")?;
    let (_, rest) = rest.split_once("line ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn exit_code(message: &str) -> Option<i64> {
    let (_, rest) = message.rsplit_once("exit code: ").or_else(|| message.rsplit_once("returned a non-zero code: "))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_steps_are_read() {
        for (name, stage, position, instruction) in [
            ("[dev 2/5] RUN pip install x", Some("dev"), Some((2, 5)), Some("RUN pip install x")),
            ("[linux/amd64 dev 2/5] RUN x", Some("dev"), Some((2, 5)), Some("RUN x")),
            ("[2/5] RUN x", Some("stage-0"), Some((2, 5)), Some("RUN x")),
            ("[linux/amd64 2/5] RUN x", Some("stage-0"), Some((2, 5)), Some("RUN x")),
            ("[internal] load build context", None, None, None),
            ("exporting to image", None, None, None),
        ] {
            let step = step(1, name, "stage-0");
            assert_eq!(step.stage.as_deref(), stage, "{name}");
            assert_eq!(step.position, position, "{name}");
            assert_eq!(step.instruction.as_deref(), instruction, "{name}");
        }
    }

    #[test]
    fn the_line_of_an_error_of_grammar_is_stated() {
        assert_eq!(stated_line("dockerfile parse error on line 7: unknown instruction: RUNN"), Some(7));
        assert_eq!(stated_line("process on line 7 did not complete"), None);
    }

    #[test]
    fn exit_codes_are_found() {
        for (message, code) in [
            ("process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3", Some(3)),
            ("executor failed running [/bin/sh -c exit 42]: exit code: 42", Some(42)),
            ("The command '/bin/sh -c false' returned a non-zero code: 1", Some(1)),
            ("\"/x\": not found", None),
        ] {
            assert_eq!(exit_code(message), code);
        }
    }
}
