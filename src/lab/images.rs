//! Building: every role's image at once, as the engine shares their stages.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::blame;
use crate::dockerfile::{StageBase, parse};
use crate::engine::{
    BuildContext, BuildEvent, BuildFailure, BuildOutcome, BuildRequest, EngineRun, HistoryItem, ImageInfo,
};
use crate::error::{Error, Result};
use crate::stacks::{Says, ecosystem};
use crate::subject::{NamedContext, Subject, Target};

/// The image of a stage, or why there is none.
pub(crate) type Image = Result<ImageInfo, String>;

/// The images of roles.
#[derive(Default)]
pub(crate) struct RoleImages {
    /// The image that the role's container runs, by role.
    containers: BTreeMap<String, Image>,
    /// The role's own image, by role; the same but for build.
    own: BTreeMap<String, Image>,
    /// How many were to be built.
    pub(crate) count: usize,
    /// Of those that did not build, the one with the first failing instruction.
    pub(crate) failed: Option<FailedBuild>,
}

/// A role's image that did not build.
#[derive(Debug, Clone)]
pub(crate) struct FailedBuild {
    pub(crate) role: String,
    pub(crate) target: Target,
    pub(crate) failure: BuildFailure,
}

/// What is heard of while images are built.
pub(crate) enum Building<'a> {
    /// A step of a role's build began: `[dev 2/4] RUN …`.
    Step { role: &'a str, step: String },
    /// A role's build ended.
    Done(RoleBuild<'a>),
    /// The image of a service that no role is was pulled, or could not be.
    Pulled { service: &'a str, image: &'a str, seconds: f64, failure: Option<String> },
}

/// A role's build that has ended.
pub(crate) struct RoleBuild<'a> {
    pub(crate) role: &'a str,
    pub(crate) stage: String,
    pub(crate) image: &'a Image,
    pub(crate) seconds: f64,
    /// How many of its steps came out of the engine's cache, and how many there were.
    pub(crate) cached_steps: usize,
    pub(crate) steps: usize,
    /// Why there is no image, on one line.
    pub(crate) failure: Option<String>,
    /// The layers that hold something, lowest first; none if the engine does not say.
    pub(crate) layers: Vec<HistoryItem>,
}

impl RoleImages {
    /// The role's own image, or why there is none.
    pub(crate) fn own(&self, role: &str) -> Result<&ImageInfo, String> {
        found(&self.own, role)
    }

    /// The image that the role's container runs, likewise.
    pub(crate) fn container(&self, role: &str) -> Result<&ImageInfo, String> {
        found(&self.containers, role)
    }

    /// The engine's words, where an image did not build because a registry did not answer for what it is made from.
    pub(crate) fn unreached(&self) -> Option<&str> {
        self.failed.as_ref()?.unreached()
    }

    /// All that were built.
    pub(super) fn all(&self) -> Vec<&ImageInfo> {
        self.own.values().chain(self.containers.values()).flatten().collect()
    }
}

impl FailedBuild {
    /// Whether the image of the `# syntax=` directive is what it did not get: the builder has a step of its own for it.
    pub(crate) fn is_of_frontend(&self) -> bool {
        let step = self.failure.instruction.as_deref().unwrap_or(&self.failure.message);
        step.trim_start().starts_with("resolve image config for ")
    }

    /// The line of the Dockerfile to look at.
    pub(crate) fn line(&self) -> usize {
        let directive = self.target.dockerfile.syntax().filter(|_| self.is_of_frontend());
        directive.map(|(_, line)| line).or(self.failure.line).unwrap_or_else(|| self.target.line())
    }

    /// The engine's words, where a registry did not answer for what it is made from, or refused whoever asked.
    pub(crate) fn unreached(&self) -> Option<&str> {
        let instruction = self.failure.instruction.as_deref().unwrap_or_default().trim_start();
        // BuildKit has a step of its own for a FROM whose image it asks the registry for.
        let is_from = instruction.is_empty()
            || instruction.starts_with("[internal] load metadata for ")
            || instruction.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("from"));
        let of_base = is_from && self.target.dockerfile.stages.iter().any(|of| matches!(of.base, StageBase::Image(_)));
        let words = self.failure.told().find(|line| is_network(line) || Says::any(&ecosystem().says.denied, line))?;
        (of_base || self.is_of_frontend()).then(|| words.trim())
    }
}

fn found<'a>(images: &'a BTreeMap<String, Image>, role: &str) -> Result<&'a ImageInfo, String> {
    match images.get(role) {
        Some(Ok(image)) => Ok(image),
        Some(Err(why)) => Err(why.clone()),
        None => Err(format!("the image of the role {role} was not built in this run")),
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
    run: &EngineRun,
    subject: &Subject,
    wanted: &[String],
    hear: &(dyn Fn(Building<'_>) + Sync),
) -> Result<RoleImages> {
    let mut jobs = Vec::new();
    for role in subject.roles.iter().filter(|role| wanted.contains(&role.name)) {
        jobs.push(Job { role: &role.name, target: &role.target, own: role.own.is_none() });
        if let Some(own) = &role.own {
            jobs.push(Job { role: &role.name, target: own, own: true });
        }
    }
    let mut contexts: BTreeMap<(PathBuf, PathBuf), BuildContext> = BTreeMap::new();
    for job in &jobs {
        let key = (job.target.context.clone(), job.target.dockerfile.file.clone());
        if !contexts.contains_key(&key) {
            contexts.insert(key.clone(), BuildContext::open_for(&key.0, &key.1)?);
        }
    }
    let mut builds: Vec<BoxFuture<'_, Result<Done>>> = Vec::new();
    for job in &jobs {
        let context = &contexts[&(job.target.context.clone(), job.target.dockerfile.file.clone())];
        builds.push(Box::pin(build_one(run, job, context, hear)));
    }
    // A builder without sessions does not know that two of its builds make the same stage, and makes it twice.
    let width = if run.engine().info().buildkit { jobs.len().max(1) } else { 1 };
    let done: Vec<Done> = stream::iter(builds).buffered(width).try_collect().await?;
    Ok(collect(&jobs, done))
}

fn collect(jobs: &[Job], done: Vec<Done>) -> RoleImages {
    let mut images = RoleImages { count: jobs.len(), ..RoleImages::default() };
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
        first.map(|(job, failure)| FailedBuild { role: job.role.to_owned(), target: job.target.clone(), failure });
    images
}

/// Builds the image of a service that no role is.
///
/// # Errors
/// As [`EngineRun::build`].
pub(super) async fn build_neighbour(
    run: &EngineRun,
    name: &str,
    target: &Target,
    hear: &(dyn Fn(Building<'_>) + Sync),
) -> Result<Result<ImageInfo, FailedBuild>> {
    let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let done = build_one(run, &Job { role: name, target, own: true }, &context, hear).await?;
    let failure = done.failure.unwrap_or_default();
    Ok(done.image.map_err(|_| FailedBuild { role: name.to_owned(), target: target.clone(), failure }))
}

async fn build_one(
    run: &EngineRun,
    job: &Job<'_>,
    context: &BuildContext,
    hear: &(dyn Fn(Building<'_>) + Sync),
) -> Result<Done> {
    let start = Instant::now();
    let (mut steps, mut cached) = (0, 0);
    let stage = job.target.stage_name();
    let request = request(run, job.target, job.role, context, &job.target.dockerfile.text).await?;
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
    let why = |failure: &BuildFailure| {
        let what = failure.instruction.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let colon = if what.is_empty() { "" } else { ": " };
        format!("{what}{colon}{}", failure.message.lines().next().unwrap_or_default())
    };
    let layers = match &image {
        Ok(image) => run.engine().history(&image.id).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    hear(Building::Done(RoleBuild {
        role: job.role,
        stage,
        image: &image,
        seconds: start.elapsed().as_secs_f64(),
        cached_steps: cached,
        steps,
        failure: failure.as_ref().map(why),
        layers: layers.into_iter().filter(|item| item.size > 0).collect(),
    }));
    Ok(Done { image, failure })
}

/// What is asked of the engine for a stage of a Dockerfile, or of a text that was derived from it: with all that
/// compose.yaml and the docker CLI's configuration say of the build.
///
/// # Errors
/// When the engine fails, or a context that the Dockerfile names cannot be built.
pub(crate) async fn request(
    run: &EngineRun,
    target: &Target,
    name: &str,
    context: &BuildContext,
    text: &str,
) -> Result<BuildRequest> {
    let mut args = run.engine().proxies();
    args.extend(target.args.clone());
    let (secrets, settings) = (secrets_for(run, target), target.settings.clone());
    let mut text = text.to_owned();
    for (name, named) in &target.contexts {
        let image = Box::pin(image_of(run, name, named)).await?;
        // A FROM may name it by an argument.
        let raw = target.dockerfile.stages.iter().map(|stage| stage.raw_base.as_str());
        let raw = raw.filter(|raw| raw.contains('$') && target.named(raw) == *name);
        for word in raw.chain([name.as_str()]) {
            text = renamed(&text, word, &image);
        }
    }
    if target.dockerfile.stages[target.stage].name.is_none() {
        text = until(&text, target);
    }
    Ok(BuildRequest { args, settings, secrets, ..BuildRequest::new(name, context, text).target(target.stage_name()) })
}

/// A Dockerfile that ends with a target's stage. One without a name cannot be asked for otherwise.
fn until(text: &str, target: &Target) -> String {
    let next = parse(text, &target.dockerfile.file).ok().and_then(|own| Some(own.stages.get(target.stage + 1)?.line));
    next.map_or_else(|| text.to_owned(), |next| text.split_inclusive('\n').take(next - 1).collect())
}

/// The image that has what a named context has. The engine's own build call takes one context; what is in others is an image
/// to it.
async fn image_of(run: &EngineRun, name: &str, named: &NamedContext) -> Result<String> {
    let request = match named {
        NamedContext::Image(image) => return Ok(image.clone()),
        NamedContext::Folder(folder) => {
            let context = BuildContext::open(folder)?;
            BuildRequest::new("context", &context, "FROM scratch\nCOPY . /\n")
        }
        NamedContext::Service(target) => {
            let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
            Box::pin(request(run, target, "context", &context, &target.dockerfile.text)).await?
        }
    };
    match build(run, request, |_| {}).await? {
        BuildOutcome::Built { image_id } => {
            let image = run.engine().image(&image_id).await?;
            Ok(image.repo_tags.into_iter().find(|tag| run.named(tag)).unwrap_or(image_id))
        }
        BuildOutcome::Failed(failure) => {
            Err(Error::description(format!("the build context {name} does not build: {}", failure.message)))
        }
    }
}

/// A Dockerfile in which another name stands where stages and images are named: after FROM, `COPY --from=` and in the mounts
/// of RUN. Lines stay where they are.
fn renamed(text: &str, word: &str, image: &str) -> String {
    let word = regex::escape(word);
    let from = format!(r"(?im)^(\s*FROM\s+(?:--\S+\s+)*){word}(\s|$)");
    let copy = format!(r"(?i)(--from=|[,=]from=){word}([,\s]|$)");
    let put = |found: &regex::Captures<'_>| format!("{}{image}{}", &found[1], &found[2]);
    let all = [from, copy].map(|pattern| regex::Regex::new(&pattern).expect("an escaped word in a pattern of ours"));
    let text = all[0].replace_all(text, put).into_owned();
    all[1].replace_all(&text, put).into_owned()
}

/// Builds, and once more where the failure is the network's: one that is back a moment later says nothing of the project.
/// `events` hears of both.
///
/// # Errors
/// As [`EngineRun::build`].
pub(crate) async fn build(
    run: &EngineRun,
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
    failure.told().any(is_network)
}

/// Whether words tell of a network that did not answer.
pub(crate) fn is_network(words: &str) -> bool {
    Says::any(&ecosystem().says.network, words)
}

/// A build's secrets, where the engine's builder takes any: the others leave such mounts out, or fail by themselves.
pub(crate) fn secrets_for(run: &EngineRun, target: &Target) -> BTreeMap<String, Vec<u8>> {
    if run.engine().info().buildkit { target.secrets.clone() } else { BTreeMap::new() }
}

/// Builds a Dockerfile that was derived from the user's, in the user's context; never touches the disk.
pub(crate) async fn build_text(run: &EngineRun, target: &Target, text: String, name: &str) -> Result<Image> {
    let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    build_in(run, &context, target, text, target.args.clone(), name).await
}

/// As [`build_text`], in a context of the caller's.
pub(crate) async fn build_in(
    run: &EngineRun,
    context: &BuildContext,
    target: &Target,
    text: String,
    args: BTreeMap<String, String>,
    name: &str,
) -> Result<Image> {
    let mut request = request(run, target, name, context, &text).await?;
    request.args.extend(args);
    Ok(match build(run, request, |_| {}).await? {
        BuildOutcome::Built { image_id } => Ok(run.engine().image(&image_id).await?),
        BuildOutcome::Failed(failure) => Err(format!("the {name} did not build: {}", failure.message)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_another_where_stages_are_named_and_nowhere_else() {
        let text = "FROM --platform=x Extra AS a\nFROM extra-b\nCOPY --from=extra /a /extra\nRUN --mount=type=bind,from=extra,target=/x \\\n  echo extra\nRUN --mount=from=extra,target=/y true\n";
        let expected = "FROM --platform=x i:1 AS a\nFROM extra-b\nCOPY --from=i:1 /a /extra\nRUN --mount=type=bind,from=i:1,target=/x \\\n  echo extra\nRUN --mount=from=i:1,target=/y true\n";
        assert_eq!(renamed(text, "extra", "i:1"), expected);
        assert_eq!(renamed("FROM ${BASE}\n", "${BASE}", "i$1"), "FROM i$1\n");
    }
}
