//! Building: every role's image at once, as the engine shares their stages.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::bench::Image;
use super::event::{Event, Layer, RoleReport};
use super::outcome::{Verdict, fail, pass};
use super::subject::{Subject, Target};
use crate::engine::{BuildEvent, BuildFailure, BuildOutcome, BuildRequest, Context, Run};
use crate::error::Result;
use crate::stacks::{Says, ecosystem};

/// The images of all roles.
pub(super) struct Images {
    pub(super) containers: BTreeMap<String, Image>,
    pub(super) own: BTreeMap<String, Image>,
    /// The verdict of `scaffold.builds`.
    pub(super) verdict: Verdict,
}

struct Job<'a> {
    role: &'a str,
    target: &'a Target,
    own: bool,
}

struct Done {
    image: Image,
    failure: Option<BuildFailure>,
}

/// Builds every role, side by side where the engine's builder shares what they have in common, else one after the
/// other; the contexts are packed once and shared.
pub(super) async fn build_all(
    run: &Run,
    subject: &Subject,
    wanted: &[String],
    sink: &(dyn Fn(Event) + Sync),
) -> Result<Images> {
    let mut jobs = Vec::new();
    for role in subject.roles.iter().filter(|role| wanted.contains(&role.name)) {
        jobs.push(Job { role: &role.name, target: &role.target, own: role.own.is_none() });
        if let Some(own) = &role.own {
            jobs.push(Job { role: &role.name, target: own, own: true });
        }
    }
    let mut contexts: BTreeMap<(PathBuf, PathBuf), Context> = BTreeMap::new();
    for job in &jobs {
        let key = (job.target.context.clone(), job.target.dockerfile.file.clone());
        if !contexts.contains_key(&key) {
            contexts.insert(key.clone(), Context::open_for(&key.0, &key.1)?);
        }
    }
    let builds = jobs.iter().map(|job| {
        let context = &contexts[&(job.target.context.clone(), job.target.dockerfile.file.clone())];
        build_one(run, job, context, sink)
    });
    // A builder without sessions does not know that two of its builds make the same stage, and makes it twice.
    let width = if run.engine().info().buildkit { jobs.len().max(1) } else { 1 };
    let done: Vec<Done> = stream::iter(builds).buffered(width).try_collect().await?;
    Ok(collect(&jobs, done))
}

fn collect(jobs: &[Job], done: Vec<Done>) -> Images {
    let mut images = Images { containers: BTreeMap::new(), own: BTreeMap::new(), verdict: pass(String::new()) };
    let mut first: Option<(&Job, BuildFailure)> = None;
    for (job, result) in jobs.iter().zip(done) {
        let is_container = !jobs.iter().any(|other| other.role == job.role && other.own && !job.own) || !job.own;
        if job.own {
            images.own.insert(job.role.to_owned(), result.image.clone());
        }
        if is_container && !images.containers.contains_key(job.role) {
            images.containers.insert(job.role.to_owned(), result.image);
        }
        if let Some(failure) = result.failure
            && first.as_ref().is_none_or(|(_, before)| failure.line < before.line)
        {
            first = Some((job, failure));
        }
    }
    images.verdict = match first {
        None => pass(format!("{} images were built", jobs.len())),
        Some((job, failure)) => failed(job, &failure),
    };
    images
}

/// One failure for one defect: the first failing instruction of the Dockerfile.
fn failed(job: &Job, failure: &BuildFailure) -> Verdict {
    let what = match (&failure.instruction, failure.exit_code) {
        (Some(instruction), Some(code)) => format!("{} ended with exit code {code}", first_line(instruction)),
        (Some(instruction), None) => format!("{}: {}", first_line(instruction), plain(&failure.message)),
        (None, _) => plain(&failure.message).to_owned(),
    };
    let verdict = fail(format!("the image of {} does not build: {what}", job.role))
        .expected(format!("stage {} builds", job.target.stage_name()))
        .at(job.target.file.clone(), failure.line.or(Some(job.target.line())))
        .log(failure.log_tail.clone());
    let network = failure.told().any(|line| Says::any(&ecosystem().says.network, line));
    if network { verdict.hint(OF_NETWORK) } else { verdict }
}

const OF_NETWORK: &str =
    "it tells of a network that failed: see that the engine reaches the host that it names, and verify again";

/// A message without the builder's own references.
fn plain(message: &str) -> &str {
    let rest = message.split_once("failed to calculate checksum of ref ").and_then(|(_, rest)| rest.split_once(": "));
    rest.map_or(message, |(_, rest)| rest)
}

/// An instruction on one line, without a RUN's flags and without what is too long to read.
fn first_line(text: &str) -> String {
    const LONG: usize = 100;
    let mut words = text.split_whitespace().filter(|word| *word != "\\");
    let name = words.next().unwrap_or_default();
    let rest: Vec<&str> = if name.eq_ignore_ascii_case("run") {
        words.skip_while(|word| word.starts_with("--")).collect()
    } else {
        words.collect()
    };
    let line = format!("{name} {}", rest.join(" "));
    match line.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

async fn build_one(run: &Run, job: &Job<'_>, context: &Context, sink: &(dyn Fn(Event) + Sync)) -> Result<Done> {
    let start = Instant::now();
    let (mut steps, mut cached) = (0, 0);
    let stage = job.target.stage_name();
    let request = BuildRequest {
        args: job.target.args.clone(),
        secrets: secrets_for(run, job.target),
        ..BuildRequest::new(job.role, context, &job.target.dockerfile.text).target(&stage)
    };
    let outcome = run.build(request, |event| match event {
        BuildEvent::StepStarted(step) => {
            sink(Event::BuildStep { role: job.role.to_owned(), step: step.name });
        }
        BuildEvent::StepCached(_) => {
            steps += 1;
            cached += 1;
        }
        BuildEvent::StepDone { .. } => steps += 1,
        _ => {}
    });
    let outcome = outcome.await?;
    let (image, failure) = match outcome {
        BuildOutcome::Built { image_id } => (Ok(run.engine().image(&image_id).await?), None),
        BuildOutcome::Failed(failure) => (Err(format!("the image of {} did not build", job.role)), Some(failure)),
    };
    let report = RoleReport {
        role: job.role.to_owned(),
        stage,
        built: image.is_ok(),
        image: image.as_ref().ok().map(|image| image.id.clone()),
        size: image.as_ref().ok().map(|image| image.size),
        started: 0.0,
        seconds: (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        cached_steps: cached,
        steps,
        layers: match &image {
            Ok(image) => layers(run, &image.id).await,
            Err(_) => Vec::new(),
        },
    };
    sink(Event::BuildDone(report));
    Ok(Done { image, failure })
}

/// The layers of an image that hold something; none if the engine does not say.
async fn layers(run: &Run, image: &str) -> Vec<Layer> {
    let history = run.engine().history(image).await.unwrap_or_default();
    let layer = |item: crate::engine::HistoryItem| {
        let step = item.created_by.trim_start_matches("/bin/sh -c ").trim_start_matches("#(nop)");
        let step = step.trim().trim_end_matches("# buildkit").trim();
        Layer { step: step.to_owned(), size: item.size }
    };
    history.into_iter().filter(|item| item.size > 0).map(layer).collect()
}

/// A build's secrets, where the engine's builder takes any: the others leave such mounts out, or fail by themselves.
pub(super) fn secrets_for(run: &Run, target: &Target) -> BTreeMap<String, Vec<u8>> {
    if run.engine().info().buildkit { target.secrets.clone() } else { BTreeMap::new() }
}

/// Builds a Dockerfile that was derived from the user's, in the user's context; never touches the disk.
pub(super) async fn build_text(run: &Run, target: &Target, text: String, name: &str) -> Result<Image> {
    let context = Context::open_for(&target.context, &target.dockerfile.file)?;
    build_in(run, &context, target, text, target.args.clone(), name).await
}

/// As [`build_text`], in a context of the caller's.
pub(super) async fn build_in(
    run: &Run,
    context: &Context,
    target: &Target,
    text: String,
    args: BTreeMap<String, String>,
    name: &str,
) -> Result<Image> {
    let secrets = secrets_for(run, target);
    let request = BuildRequest { args, secrets, ..BuildRequest::new(name, context, text).target(target.stage_name()) };
    Ok(match run.build(request, |_| {}).await? {
        BuildOutcome::Built { image_id } => Ok(run.engine().image(&image_id).await?),
        BuildOutcome::Failed(failure) => Err(format!("the {name} did not build: {}", failure.message)),
    })
}
