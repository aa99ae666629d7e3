//! What the build makes for the service, and what it makes when it is done again under other circumstances.

use std::sync::Arc;
use std::time::Duration;

use globset::GlobSet;

use super::change::{Change, changes};
use super::circumstances::Circumstances;
use super::images::{self, build_text};
use super::injected::injected;
use super::injection::Injection;
use super::obstacle::{Attempt, Obstacle, Reason, if_possible};
use super::{Lab, blame};
use crate::dockerfile::{self, InstructionKind, Rebuilt};
use crate::engine::{BuildContext, BuildFailure, BuildOutcome, EntryKind, FileTree, ImageInfo, WalkOptions};
use crate::project::Code;
use crate::spec::MountKind;
use crate::stacks::ecosystem;
use crate::subject::Target;

pub(crate) use super::circumstances::CircumstanceLeak;

/// The build as it is.
pub(crate) struct Made {
    /// The build stage, as the service is made from it.
    pub(crate) target: Target,
    pub(crate) image: ImageInfo,
    /// Where in the build stage the service takes its files from.
    pub(crate) places: Vec<String>,
    /// The files there.
    pub(crate) tree: FileTree,
    /// When it had been seen.
    seen: tokio::time::Instant,
}

/// A build that was done again.
pub(crate) struct Again {
    /// How its artefact differs from the usual one.
    pub(crate) changes: Vec<Change>,
    /// Why there is none.
    pub(crate) failure: Option<BuildFailure>,
    /// What of that which was given to it stands in a file that differs.
    pub(crate) leaked: Option<CircumstanceLeak>,
    /// The user's text, with lines of ours.
    pub(crate) text: Rebuilt,
    /// What it was given, for people.
    pub(crate) given: String,
}

/// Done under another environment: other deployments' values, time zone, locale and host.
pub(crate) struct Elsewhere(pub(crate) Again);

/// Done later, and no more.
pub(crate) struct Later(pub(crate) Again);

/// Done on a host of another name.
pub(crate) struct OnAnotherHost(pub(crate) Again);

impl Again {
    pub(crate) fn is_same(&self) -> bool {
        self.failure.is_none() && self.changes.is_empty()
    }
}

/// Two builds begin so far apart that a time to the second differs.
const APART: Duration = Duration::from_millis(1100);

/// The build as it is; built once for all checks, out of the engine's cache.
pub(crate) async fn made(lab: &Lab) -> Attempt<Arc<Made>> {
    let made = lab.fact(async {
        lab.role("build")?;
        lab.image("build")?;
        lab.image("service")?;
        let (target, places) = places(lab)?;
        let image = build_text(&lab.run, &target, target.dockerfile.text.clone(), "build").await?;
        let image = image.map_err(Obstacle::Off)?;
        let tree = walk(lab, &image.id, &places).await?;
        if tree.files.is_empty() {
            return Err(Reason::new(format!("the build stage has nothing at {}", places.join(", "))).unseen());
        }
        Attempt::Ok(Made { target, image, places, tree, seen: tokio::time::Instant::now() })
    });
    made.await
}

/// The stage that makes what the service runs, and where in it that is.
fn places(lab: &Lab) -> Attempt<(Target, Vec<String>)> {
    if let Some(injection) = Injection::of(&lab.subject) {
        return Ok((injection.build().clone(), injection.sources()));
    }
    let build = lab.role("build")?;
    let target = build.own.as_ref().unwrap_or(&build.target).clone();
    if lab.subject.project.roles.service.code != Code::Mounted {
        return Err(Obstacle::off(format!("the service copies nothing from the stage {}", target.stage_name())));
    }
    // The volume that the service runs the code out of is the builder's output.
    let service = lab.subject.service(lab.role("service")?);
    let shared = |key: &Option<String>| service.volumes.iter().any(|mount| key.is_some() && mount.source == *key);
    let volumes = lab.subject.service(build).volumes.iter();
    let outputs = volumes.filter(|mount| matches!(mount.kind, MountKind::Volume { .. }) && shared(&mount.source));
    let places: Vec<String> = outputs.map(|mount| mount.target.clone()).collect();
    if places.is_empty() {
        return Err(Reason::new("compose.yaml gives the service no volume that the builder fills").unseen());
    }
    Ok((target, places))
}

/// The files at some places of an image.
pub(crate) async fn walk(lab: &Lab, image: &str, places: &[String]) -> Attempt<FileTree> {
    let container = lab.run.create_idle(image).await?;
    let mut tree = FileTree::default();
    for place in places {
        let found = match place.as_str() {
            "/" => container.walk_all(WalkOptions::default()).await?,
            place => container.walk(place, WalkOptions::default()).await?,
        };
        tree.files.extend(found.files);
    }
    container.remove().await?;
    Ok(tree)
}

/// The build under another environment: other deployments' values, time zone, locale and host, later, and without the
/// cache from the source on. If its artefact is the same, neither time nor chance nor any of these is in it.
pub(crate) async fn elsewhere(lab: &Lab) -> Attempt<Arc<Elsewhere>> {
    let again = lab.fact(async {
        let made = made(lab).await?;
        let mut other = Circumstances::elsewhere(lab, &made.target, &made.image);
        let again = build_again(lab, &made, &other).await?;
        if again.failure.is_some() && !other.of_host.is_empty() {
            // A version or an address that the host may choose is not made up.
            other.of_host.clear();
            return build_again(lab, &made, &other).await.map(Elsewhere);
        }
        Attempt::Ok(Elsewhere(again))
    });
    again.await
}

/// The build on a host of another name; none where nothing says that this matters: no command asks for the name, and the
/// builder's container, which has another one, makes the same. Every step is done anew for it, so it is not for every run.
pub(crate) async fn on_another_host(lab: &Lab) -> Attempt<Option<Arc<OnAnotherHost>>> {
    let made = made(lab).await?;
    if !lab.engine().info().buildkit {
        return Ok(None);
    }
    let chain = made.target.dockerfile.chain(made.target.stage);
    let asked = chain
        .iter()
        .any(|(_, one)| matches!(one.kind, InstructionKind::Run(_)) && names(&one.text, &ecosystem().commands.host));
    if !asked && !differs_injected(lab).await? {
        return Ok(None);
    }
    let again = async { build_again(lab, &made, &Circumstances::another_host()).await.map(OnAnotherHost) };
    lab.fact(again).await.map(Some)
}

/// Whether the builder on a mounted source makes something else; not, where that cannot be seen.
async fn differs_injected(lab: &Lab) -> Attempt<bool> {
    Ok(if_possible(injected(lab).await)?.is_some_and(|injected| !injected.is_same()))
}

/// What of a deployment's values the build writes, as it is, into what it makes.
pub(crate) async fn deployment_in(lab: &Lab) -> Attempt<Option<CircumstanceLeak>> {
    let made = made(lab).await?;
    let again = build_again(lab, &made, &Circumstances::tainted(lab, &made.target)).await?;
    Ok(again.leaked.filter(|leak| leak.of_deployment))
}

/// The build once more, later, and without the cache from the source on.
pub(crate) async fn later(lab: &Lab) -> Attempt<Arc<Later>> {
    let again = lab.fact(async {
        let made = made(lab).await?;
        build_again(lab, &made, &Circumstances::default()).await.map(Later)
    });
    again.await
}

async fn build_again(lab: &Lab, made: &Made, given: &Circumstances) -> Attempt<Again> {
    tokio::time::sleep_until(made.seen + APART).await;
    let target = &made.target;
    let manifests = manifests(lab);
    let is_manifest = |name: &str| manifests.is_match(name);
    let escape = target.dockerfile.escape;
    let escaped = |value: &str| {
        value.chars().fold(String::new(), |mut text, c| {
            if c == '"' || c == '$' || c == escape {
                text.push(escape);
            }
            text.push(c);
            text
        })
    };
    let env: Vec<String> = given.env.iter().map(|(name, value)| format!("ENV {name}=\"{}\"", escaped(value))).collect();
    // A RUN that does nothing, and that no cache has: what comes after it is done anew.
    let nonce = format!("RUN : {} {}", lab.run.id(), given.told().len());
    let text = target.dockerfile.with_lines_from_source(target.stage, &nonce, &env, &is_manifest, false);
    // Not by asking the engine to use no cache: what it makes then takes the place of what other builds have of it.
    let whole = text.cut.is_none() || earlier_counts(lab, made, &text).await?;
    let text = if whole {
        target.dockerfile.with_lines_from_source(target.stage, &nonce, &env, &is_manifest, true)
    } else {
        text
    };
    let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let mut request = images::request(&lab.run, target, "again", &context, &text.text).await?;
    request.args.extend(given.args.clone());
    request.args.extend(given.of_host.clone());
    let image = match images::build(&lab.run, request, |_| {}).await? {
        BuildOutcome::Built { image_id } => image_id,
        BuildOutcome::Failed(mut failure) => {
            let built = dockerfile::parse(&text.text, &target.dockerfile.file).ok();
            failure.line = built.and_then(|built| blame::step(&built, &failure)).map(|line| text.line(line));
            return Ok(Again { changes: Vec::new(), failure: Some(failure), leaked: None, text, given: given.told() });
        }
    };
    let changes = changes(&made.tree, &walk(lab, &image, &made.places).await?);
    let leaked = if changes.is_empty() { None } else { leaked(lab, &image, &changes, given).await? };
    Ok(Again { changes, failure: None, leaked, text, given: given.told() })
}

/// Whether what stands before the source has to be done again, too: it is in the artefact, or it may have taken in
/// the time or chance for it. The rest of it is dependencies, which are locked, and of which the cache has the very same.
async fn earlier_counts(lab: &Lab, made: &Made, text: &Rebuilt) -> Attempt<bool> {
    let target = &made.target;
    let cut = text.cut.unwrap_or(usize::MAX);
    let runs = target.dockerfile.chain(target.stage).into_iter().filter(|(_, one)| one.line < cut);
    let by_chance =
        runs.filter(|(_, one)| matches!(one.kind, InstructionKind::Run(_))).any(|(_, one)| names_chance(&one.text));
    if by_chance {
        return Ok(true);
    }
    let before = target.dockerfile.truncated_before_source(target.stage).text;
    let Ok(image) = build_text(&lab.run, target, before, "before-source").await? else { return Ok(true) };
    let tree = walk(lab, &image.id, &made.places).await?;
    Ok(tree.files.values().any(|entry| entry.kind != EntryKind::Directory))
}

/// Whether a command takes the time, chance or its host into what it makes.
pub(crate) fn names_chance(text: &str) -> bool {
    names(text, &ecosystem().commands.chance)
}

/// Whether a text has one of some words.
pub(crate) fn names(text: &str, words: &[String]) -> bool {
    let mut found = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    found.any(|word| words.iter().any(|own| own == word))
}

/// The manifests of the project's stack; without one, of no file is it known that it is one.
pub(crate) fn manifests(lab: &Lab) -> GlobSet {
    let mut set = globset::GlobSetBuilder::new();
    for pattern in lab.subject.project.stack.iter().flat_map(|stack| &stack.manifests) {
        set.add(globset::Glob::new(pattern).expect("a stack's patterns were read with it"));
    }
    set.build().expect("few patterns")
}

/// What of the circumstances stands in one of the files that differ.
async fn leaked(
    lab: &Lab,
    image: &str,
    changes: &[Change],
    given: &Circumstances,
) -> Attempt<Option<CircumstanceLeak>> {
    const LOOKED_AT: usize = 50;
    let mut words = given.words();
    let container = lab.run.create_idle(image).await?;
    let mut found = None;
    for change in changes.iter().take(LOOKED_AT) {
        let Some(content) = container.read_file(&change.path, 1 << 22).await? else { continue };
        let holds =
            |(word, _): &(String, CircumstanceLeak)| content.windows(word.len()).any(|part| part == word.as_bytes());
        if let Some(at) = words.iter().position(holds) {
            found = Some(words.swap_remove(at).1);
            break;
        }
    }
    container.remove().await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_take_in_chance_are_known() {
        assert!(names_chance("RUN date +%s > /built"));
        assert!(names_chance("RUN echo $RANDOM"));
        assert!(!names_chance("RUN apt-get update && pip install --update dateutil"));
    }
}
