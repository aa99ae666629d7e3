//! Building: every role's image at once, as the engine shares their stages.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::blame;
use crate::engine::{BuildEvent, BuildFailure, BuildOutcome, BuildRequest, Context, HistoryItem, ImageInfo, Run};
use crate::error::Result;
use crate::stacks::{Says, ecosystem};
use crate::subject::{Subject, Target};

/// The image of a stage, or why there is none.
pub(crate) type Image = Result<ImageInfo, String>;

/// The images of roles.
#[derive(Default)]
pub(crate) struct Images {
    /// The image that the role's container runs, by role.
    containers: BTreeMap<String, Image>,
    /// The role's own image, by role; the same but for build.
    own: BTreeMap<String, Image>,
    /// How many were to be built.
    pub(crate) count: usize,
    /// Of those that did not build, the one with the first failing instruction.
    pub(crate) failed: Option<Failed>,
}

/// A role's image that did not build.
pub(crate) struct Failed {
    pub(crate) role: String,
    pub(crate) target: Target,
    pub(crate) failure: BuildFailure,
}

/// What is heard of while images are built.
pub(crate) enum Building<'a> {
    /// A step of a role's build began: `[dev 2/4] RUN …`.
    Step { role: &'a str, step: String },
    /// A role's build ended.
    Done(Built<'a>),
}

/// A role's build that has ended.
pub(crate) struct Built<'a> {
    pub(crate) role: &'a str,
    pub(crate) stage: String,
    pub(crate) image: &'a Image,
    pub(crate) seconds: f64,
    /// How many of its steps came out of the engine's cache, and how many there were.
    pub(crate) cached_steps: usize,
    pub(crate) steps: usize,
    /// The layers that hold something, lowest first; none if the engine does not say.
    pub(crate) layers: Vec<HistoryItem>,
}

impl Images {
    /// The role's own image, or why there is none.
    pub(crate) fn own(&self, role: &str) -> Result<&ImageInfo, String> {
        found(&self.own, role)
    }

    /// The image that the role's container runs, likewise.
    pub(crate) fn container(&self, role: &str) -> Result<&ImageInfo, String> {
        found(&self.containers, role)
    }

    /// All that were built.
    pub(super) fn all(&self) -> Vec<&ImageInfo> {
        self.own.values().chain(self.containers.values()).flatten().collect()
    }
}

fn found<'a>(images: &'a BTreeMap<String, Image>, role: &str) -> Result<&'a ImageInfo, String> {
    match images.get(role) {
        Some(Ok(image)) => Ok(image),
        Some(Err(why)) => Err(why.clone()),
        None => Err(format!("the role {role} is off")),
    }
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
pub(crate) async fn build_all(
    run: &Run,
    subject: &Subject,
    wanted: &[String],
    hear: &(dyn Fn(Building<'_>) + Sync),
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
        build_one(run, job, context, hear)
    });
    // A builder without sessions does not know that two of its builds make the same stage, and makes it twice.
    let width = if run.engine().info().buildkit { jobs.len().max(1) } else { 1 };
    let done: Vec<Done> = stream::iter(builds).buffered(width).try_collect().await?;
    Ok(collect(&jobs, done))
}

fn collect(jobs: &[Job], done: Vec<Done>) -> Images {
    let mut images = Images { count: jobs.len(), ..Images::default() };
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
    images.failed =
        first.map(|(job, failure)| Failed { role: job.role.to_owned(), target: job.target.clone(), failure });
    images
}

async fn build_one(run: &Run, job: &Job<'_>, context: &Context, hear: &(dyn Fn(Building<'_>) + Sync)) -> Result<Done> {
    let start = Instant::now();
    let (mut steps, mut cached) = (0, 0);
    let stage = job.target.stage_name();
    let request = BuildRequest {
        args: job.target.args.clone(),
        secrets: secrets_for(run, job.target),
        ..BuildRequest::new(job.role, context, &job.target.dockerfile.text).target(&stage)
    };
    let outcome = build(run, request, |event| match event {
        BuildEvent::StepStarted(step) => {
            hear(Building::Step { role: job.role, step: step.name });
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
        BuildOutcome::Failed(mut failure) => {
            failure.line = blame::step(&job.target.dockerfile, &failure);
            (Err(format!("the image of {} did not build", job.role)), Some(failure))
        }
    };
    let layers = match &image {
        Ok(image) => run.engine().history(&image.id).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    hear(Building::Done(Built {
        role: job.role,
        stage,
        image: &image,
        seconds: start.elapsed().as_secs_f64(),
        cached_steps: cached,
        steps,
        layers: layers.into_iter().filter(|item| item.size > 0).collect(),
    }));
    Ok(Done { image, failure })
}

/// Builds, and once more where the failure is the network's: one that is back a moment later says nothing of the project.
/// `events` hears of both.
///
/// # Errors
/// As [`Run::build`].
pub(crate) async fn build(
    run: &Run,
    request: BuildRequest,
    mut events: impl FnMut(BuildEvent) + Send,
) -> Result<BuildOutcome> {
    const PAUSE: Duration = Duration::from_secs(5);
    match run.build(request.clone(), &mut events).await? {
        BuildOutcome::Failed(failure) if is_of_network(&failure) => {
            tokio::time::sleep(PAUSE).await;
            run.build(request, events).await
        }
        outcome => Ok(outcome),
    }
}

/// Whether a build failed for a network that did not answer, by what the engine and the tools in it printed.
pub(crate) fn is_of_network(failure: &BuildFailure) -> bool {
    failure.told().any(|line| Says::any(&ecosystem().says.network, line))
}

/// A build's secrets, where the engine's builder takes any: the others leave such mounts out, or fail by themselves.
pub(crate) fn secrets_for(run: &Run, target: &Target) -> BTreeMap<String, Vec<u8>> {
    if run.engine().info().buildkit { target.secrets.clone() } else { BTreeMap::new() }
}

/// Builds a Dockerfile that was derived from the user's, in the user's context; never touches the disk.
pub(crate) async fn build_text(run: &Run, target: &Target, text: String, name: &str) -> Result<Image> {
    let context = Context::open_for(&target.context, &target.dockerfile.file)?;
    build_in(run, &context, target, text, target.args.clone(), name).await
}

/// As [`build_text`], in a context of the caller's.
pub(crate) async fn build_in(
    run: &Run,
    context: &Context,
    target: &Target,
    text: String,
    args: BTreeMap<String, String>,
    name: &str,
) -> Result<Image> {
    let secrets = secrets_for(run, target);
    let request = BuildRequest { args, secrets, ..BuildRequest::new(name, context, text).target(target.stage_name()) };
    Ok(match build(run, request, |_| {}).await? {
        BuildOutcome::Built { image_id } => Ok(run.engine().image(&image_id).await?),
        BuildOutcome::Failed(failure) => Err(format!("the {name} did not build: {}", failure.message)),
    })
}
