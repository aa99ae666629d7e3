//! Builders without `BuildKit`: Podman's, and Docker's old one. They take the context as an archive and tell
//! of their progress in words.

use futures_util::StreamExt;

use super::model::{BuildEvent, BuildFailure, BuildRequest, BuildStep, Ended, TAIL};
use super::request;
use super::trace::stated_line;
use crate::engine::run::EngineRun;
use crate::error::{Error, Result};

/// The Dockerfile's name in the archive; hidden from `COPY`.
const NAME: &str = ".dockwright.Dockerfile";

/// Podman's own: without them it keeps no layers as its cache, and no healthcheck in the image.
const OPTIONS: [(&str, &str); 3] =
    [("version", "1"), ("layers", "true"), ("outputformat", "application/vnd.docker.distribution.manifest.v2+json")];

pub(super) async fn build(
    run: &EngineRun,
    wanted: &BuildRequest,
    reference: &str,
    events: &mut (impl FnMut(BuildEvent) + Send),
) -> Result<Ended> {
    let what = format!("cannot build {}", wanted.name);
    if !wanted.secrets.is_empty() {
        return Err(Error::engine(format!("{what}: this engine's builder takes no secrets"))
            .hint("use an engine with BuildKit"));
    }
    let (context, size) = wanted.context.pack(NAME, &wanted.dockerfile)?;
    let uri = request::query(wanted, reference, NAME, &OPTIONS);
    let mut answers = request::send(run.engine(), uri, Some(context), &what).await?;
    if let Some(bytes) = size {
        events(BuildEvent::ContextSent { bytes });
    }
    let mut progress = Progress::default();
    while let Some(answer) = answers.next().await {
        if let Some(message) = answer.error_detail.and_then(|detail| detail.message) {
            progress.fail(message, events);
        }
        if let Some(text) = answer.stream {
            for line in text.lines() {
                progress.line(line, events);
            }
        }
        if let Some(bollard::models::BuildInfoAux::Default(image)) = answer.aux {
            progress.image |= image.id.is_some();
        }
    }
    Ok(progress.end(events))
}

#[derive(Default)]
struct Progress {
    step: Option<BuildStep>,
    stage: Option<String>,
    stages: usize,
    count: u32,
    log: Vec<String>,
    cached: bool,
    started: Option<std::time::Instant>,
    error: Option<String>,
    image: bool,
}

impl Progress {
    fn line(&mut self, line: &str, events: &mut impl FnMut(BuildEvent)) {
        if let Some((position, instruction)) = step(line) {
            self.close(events);
            self.count += 1;
            if instruction.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("FROM ")) {
                self.stage = Some(stage(instruction, self.stages));
                self.stages += 1;
            }
            let step = BuildStep {
                id: self.count,
                name: line.trim().to_owned(),
                stage: self.stage.clone(),
                position,
                instruction: Some(instruction.to_owned()),
            };
            self.started = Some(std::time::Instant::now());
            events(BuildEvent::StepStarted(step.clone()));
            self.step = Some(step);
        } else if line.trim() == "---> Using cache" || line.starts_with("--> Using cache") {
            self.cached = true;
        } else if line.contains("Successfully built ") || line.contains("Successfully tagged ") {
            self.image = true;
        } else if let Some(step) =
            self.step.as_ref().filter(|_| !line.trim_start().starts_with("--->") && !line.starts_with("--> "))
        {
            if self.log.len() == TAIL {
                self.log.remove(0);
            }
            self.log.push(line.to_owned());
            events(BuildEvent::Log { step: step.id, line: line.to_owned() });
        }
    }

    fn close(&mut self, events: &mut impl FnMut(BuildEvent)) {
        let Some(step) = self.step.take() else { return };
        let took = self.started.map(|started| started.elapsed()).unwrap_or_default();
        events(if self.cached { BuildEvent::StepCached(step) } else { BuildEvent::StepDone { step, took } });
        self.cached = false;
        self.log.clear();
    }

    fn fail(&mut self, message: String, events: &mut impl FnMut(BuildEvent)) {
        if let Some(step) = &self.step {
            events(BuildEvent::StepFailed { step: step.clone(), message: message.clone() });
        }
        self.error = Some(message);
    }

    fn end(mut self, events: &mut impl FnMut(BuildEvent)) -> Ended {
        let Some(message) = self.error.take() else {
            self.close(events);
            return if self.image { Ended::Built } else { Ended::BrokenOff };
        };
        let step = self.step.take().unwrap_or_default();
        Ended::Failed(BuildFailure {
            exit_code: exit_code(&message),
            instruction: step.instruction,
            stage: step.stage,
            log_tail: self.log,
            line: stated_line(&message),
            message,
        })
    }
}

/// `Step 3/7 : RUN x`, or Podman's `STEP 3/7: RUN x` and `[2/4] STEP 3/7: RUN x`.
fn step(line: &str) -> Option<(Option<(u32, u32)>, &str)> {
    let line = line.trim();
    let line = if line.starts_with('[') { line.split_once("] ")?.1 } else { line };
    let rest = line.strip_prefix("Step ").or_else(|| line.strip_prefix("STEP "))?;
    let (position, instruction) = rest.split_once(':')?;
    let (at, of) = position.trim().split_once('/')?;
    Some((at.parse().ok().zip(of.parse().ok()), instruction.trim()))
}

fn stage(from: &str, number: usize) -> String {
    let words: Vec<_> = from.split_whitespace().collect();
    match words.as_slice() {
        [.., word, name] if word.eq_ignore_ascii_case("as") => name.to_lowercase(),
        _ => format!("stage-{number}"),
    }
}

/// `… returned a non-zero code: 3`, or Podman's `… exit status 3`.
fn exit_code(message: &str) -> Option<i64> {
    let (_, rest) =
        ["non-zero code: ", "exit status ", "exit code: "].iter().find_map(|mark| message.rsplit_once(mark))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_in_words_becomes_events() {
        let mut seen = Vec::new();
        let mut progress = Progress::default();
        for line in [
            "Step 1/3 : FROM x AS Dev",
            " ---> abc",
            "Step 2/3 : RUN one",
            " ---> Using cache",
            "Step 3/3 : RUN false",
            "oops",
        ] {
            progress.line(line, &mut |event| seen.push(event));
        }
        progress
            .fail("The command '/bin/sh -c false' returned a non-zero code: 1".into(), &mut |event| seen.push(event));
        let Ended::Failed(failure) = progress.end(&mut |event| seen.push(event)) else { panic!("it failed") };
        assert_eq!(failure.exit_code, Some(1));
        assert_eq!(failure.stage.as_deref(), Some("dev"));
        assert_eq!(failure.instruction.as_deref(), Some("RUN false"));
        assert_eq!(failure.log_tail, ["oops"]);
        assert!(seen.iter().any(|event| matches!(event, BuildEvent::StepCached(step) if step.id == 2)));
    }

    #[test]
    fn podmans_words_are_read_too() {
        assert_eq!(step("[1/2] STEP 2/3: RUN x"), Some((Some((2, 3)), "RUN x")));
        assert_eq!(step("STEP 2/3: RUN x"), Some((Some((2, 3)), "RUN x")));
        assert_eq!(exit_code("building at STEP \"RUN false\": while running runtime: exit status 3"), Some(3));
    }
}
