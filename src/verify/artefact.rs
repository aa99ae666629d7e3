//! What the build makes for the service, and what it makes when it is done again under other circumstances.

use std::time::Duration;

use globset::GlobSet;

use super::bench::{Bench, Checked, Stop};
use super::checks::{self, differences};
use super::circumstances::{Circumstances, Leak};
use super::images::build_text;
use super::inject::{self, Injection};
use super::outcome::{inconclusive, skipped};
use super::subject::Target;
use crate::compose::MountKind;
use crate::dockerfile::{Kind, Rebuilt};
use crate::engine::{BuildFailure, BuildOutcome, BuildRequest, Context, FileTree, ImageInfo, WalkOptions};
use crate::project::Code;
use crate::stacks::{self, ecosystem};

/// The build as it is.
pub(super) struct Made {
    /// The build stage, as the service is made from it.
    pub(super) target: Target,
    pub(super) image: ImageInfo,
    /// Where in the build stage the service takes its files from.
    pub(super) places: Vec<String>,
    /// The files there.
    pub(super) tree: FileTree,
    /// When it had been seen.
    seen: tokio::time::Instant,
}

/// A build that was done again.
pub(super) struct Again {
    /// How its artefact differs from the usual one.
    pub(super) differences: Vec<String>,
    /// Why there is none.
    pub(super) failure: Option<BuildFailure>,
    /// What of that which was given to it stands in a file that differs.
    pub(super) leaked: Option<Leak>,
    /// The user's text, with lines of ours.
    pub(super) text: Rebuilt,
    /// What it was given, for people.
    pub(super) given: String,
}

impl Again {
    pub(super) fn is_same(&self) -> bool {
        self.failure.is_none() && self.differences.is_empty()
    }
}

/// Two builds begin so far apart that a time to the second differs.
const APART: Duration = Duration::from_millis(1100);

/// The build as it is; built once for all checks, out of the engine's cache.
pub(super) async fn made(bench: &Bench) -> Checked<&Made> {
    let made = bench.made.get_or_try_init(|| async {
        bench.role("build")?;
        bench.image("build")?;
        bench.image("service")?;
        let (target, places) = places(bench)?;
        let image = build_text(&bench.run, &target, target.dockerfile.text.clone(), "build").await?;
        let image = image.map_err(skipped)?;
        let tree = walk(bench, &image.id, &places).await?;
        if tree.files.is_empty() {
            return Err(inconclusive(format!("the build stage has nothing at {}", places.join(", "))).into());
        }
        Checked::Ok(Made { target, image, places, tree, seen: tokio::time::Instant::now() })
    });
    made.await
}

/// The stage that makes what the service runs, and where in it that is.
fn places(bench: &Bench) -> Checked<(Target, Vec<String>)> {
    if let Some(injection) = Injection::of(&bench.subject) {
        return Ok((injection.build().clone(), injection.sources()));
    }
    let build = bench.role("build")?;
    let target = build.own.as_ref().unwrap_or(&build.target).clone();
    if bench.subject.project.roles.service.code != Code::Mounted {
        return Err(skipped(format!(
            "the service copies nothing from the stage {}, which build.inject-equal tells",
            target.stage_name()
        ))
        .into());
    }
    // The volume that the service runs the code out of is the builder's output.
    let service = bench.subject.service(bench.role("service")?);
    let shared = |key: &Option<String>| service.volumes.iter().any(|mount| key.is_some() && mount.source == *key);
    let volumes = bench.subject.service(build).volumes.iter();
    let outputs = volumes.filter(|mount| matches!(mount.kind, MountKind::Volume { .. }) && shared(&mount.source));
    let places: Vec<String> = outputs.map(|mount| mount.target.clone()).collect();
    if places.is_empty() {
        return Err(inconclusive("compose.yaml gives the service no volume that the builder fills").into());
    }
    Ok((target, places))
}

/// The files at some places of an image.
pub(super) async fn walk(bench: &Bench, image: &str, places: &[String]) -> Checked<FileTree> {
    let container = bench.run.create_idle(image).await?;
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
pub(super) async fn elsewhere(bench: &Bench) -> Checked<&Again> {
    let again = bench.elsewhere.get_or_try_init(|| async {
        let made = made(bench).await?;
        let mut other = Circumstances::elsewhere(bench, &made.target, &made.image);
        let again = build_again(bench, made, &other).await?;
        if again.failure.is_some() && !other.of_host.is_empty() {
            // A version or an address that the host may choose is not made up.
            other.of_host.clear();
            return build_again(bench, made, &other).await;
        }
        Ok(again)
    });
    again.await
}

/// The build on a host of another name; none where nothing says that this matters: no command asks for the name, and the
/// builder's container, which has another one, makes the same. Every step is done anew for it, so it is not for every run.
pub(super) async fn on_another_host(bench: &Bench) -> Checked<Option<&Again>> {
    let made = made(bench).await?;
    if !bench.engine().info().buildkit {
        return Ok(None);
    }
    let chain = made.target.dockerfile.chain(made.target.stage);
    let asked =
        chain.iter().any(|(_, one)| matches!(one.kind, Kind::Run(_)) && names(&one.text, &ecosystem().commands.host));
    if !asked && !differs_injected(bench).await? {
        return Ok(None);
    }
    let again = bench
        .on_another_host
        .get_or_try_init(|| async { build_again(bench, made, &Circumstances::another_host()).await });
    again.await.map(Some)
}

/// Whether the builder on a mounted source makes something else; not, where that cannot be seen.
async fn differs_injected(bench: &Bench) -> Checked<bool> {
    match checks::injected(bench).await {
        Ok(injected) => Ok(!injected.differences.is_empty()),
        Err(Stop::Verdict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What of a deployment's values the build writes, as it is, into what it makes.
pub(super) async fn deployment_in(bench: &Bench) -> Checked<Option<Leak>> {
    let made = made(bench).await?;
    let again = build_again(bench, made, &Circumstances::tainted(bench, &made.target)).await?;
    Ok(again.leaked.filter(|leak| leak.of_deployment))
}

/// The build once more, later, and without the cache from the source on.
pub(super) async fn later(bench: &Bench) -> Checked<&Again> {
    let again = bench.later.get_or_try_init(|| async {
        let made = made(bench).await?;
        build_again(bench, made, &Circumstances::default()).await
    });
    again.await
}

async fn build_again(bench: &Bench, made: &Made, given: &Circumstances) -> Checked<Again> {
    tokio::time::sleep_until(made.seen + APART).await;
    let target = &made.target;
    let manifests = manifests(bench);
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
    let nonce = format!("RUN : {} {}", bench.run.id(), given.told().len());
    let text = target.dockerfile.with_lines_from_source(target.stage, &nonce, &env, &is_manifest, false);
    // Not by asking the engine to use no cache: what it makes then takes the place of what other builds have of it.
    let whole = text.cut.is_none() || earlier_counts(bench, made, &text).await?;
    let text = if whole {
        target.dockerfile.with_lines_from_source(target.stage, &nonce, &env, &is_manifest, true)
    } else {
        text
    };
    let mut args = target.args.clone();
    args.extend(given.args.clone());
    args.extend(given.of_host.clone());
    let context = Context::open_for(&target.context, &target.dockerfile.file)?;
    let request = BuildRequest { args, ..BuildRequest::new("again", &context, &text.text).target(target.stage_name()) };
    let image = match bench.run.build(request, |_| {}).await? {
        BuildOutcome::Built { image_id } => image_id,
        BuildOutcome::Failed(mut failure) => {
            failure.line = failure.line.map(|line| text.line(line));
            return Ok(Again {
                differences: Vec::new(),
                failure: Some(failure),
                leaked: None,
                text,
                given: given.told(),
            });
        }
    };
    let differences = differences(&made.tree, &walk(bench, &image, &made.places).await?);
    let leaked = if differences.is_empty() { None } else { leaked(bench, &image, &differences, given).await? };
    Ok(Again { differences, failure: None, leaked, text, given: given.told() })
}

/// Whether what stands before the source has to be done again, too: it is in the artefact, or it may have taken in
/// the time or chance for it. The rest of it is dependencies, which are locked, and of which the cache has the very same.
async fn earlier_counts(bench: &Bench, made: &Made, text: &Rebuilt) -> Checked<bool> {
    let target = &made.target;
    let cut = text.cut.unwrap_or(usize::MAX);
    let runs = target.dockerfile.chain(target.stage).into_iter().filter(|(_, one)| one.line < cut);
    let by_chance = runs.filter(|(_, one)| matches!(one.kind, Kind::Run(_))).any(|(_, one)| names_chance(&one.text));
    if by_chance {
        return Ok(true);
    }
    let before = target.dockerfile.truncated_before_source(target.stage).text;
    let Ok(image) = build_text(&bench.run, target, before, "before-source").await? else { return Ok(true) };
    let tree = walk(bench, &image.id, &made.places).await?;
    Ok(tree.files.values().any(|entry| entry.kind != crate::engine::EntryKind::Directory))
}

/// Whether a command takes the time, chance or its host into what it makes.
pub(super) fn names_chance(text: &str) -> bool {
    names(text, &ecosystem().commands.chance)
}

/// Whether a text has one of some words.
pub(super) fn names(text: &str, words: &[String]) -> bool {
    let mut found = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    found.any(|word| words.iter().any(|own| own == word))
}

/// The manifests of the project's stack.
pub(super) fn manifests(bench: &Bench) -> GlobSet {
    let mut set = globset::GlobSetBuilder::new();
    for pattern in stacks::find(&bench.subject.project.service.stack).map_or(&[][..], |stack| &stack.manifests) {
        set.add(globset::Glob::new(pattern).expect("our own patterns; a test of the stacks reads them"));
    }
    set.build().expect("few patterns")
}

/// What of the circumstances stands in one of the files that differ.
async fn leaked(bench: &Bench, image: &str, differences: &[String], given: &Circumstances) -> Checked<Option<Leak>> {
    const LOOKED_AT: usize = 50;
    let mut words = given.words();
    let container = bench.run.create_idle(image).await?;
    let mut found = None;
    // A difference begins with the file's path.
    for path in differences.iter().take(LOOKED_AT).filter_map(|difference| difference.split(' ').next()) {
        let Some(content) = container.read_file(path, 1 << 22).await? else { continue };
        let holds = |(word, _): &(String, Leak)| content.windows(word.len()).any(|part| part == word.as_bytes());
        if let Some(at) = words.iter().position(holds) {
            found = Some(words.swap_remove(at).1);
            break;
        }
    }
    container.remove().await?;
    Ok(found)
}

/// The contract that tells why a build on a mounted source differs from the image's: the build does not even equal itself.
pub(super) async fn unequal_to_itself(bench: &Bench) -> Checked<Option<&'static str>> {
    let found = async {
        let elsewhere = elsewhere(bench).await?;
        if elsewhere.is_same() {
            let other = on_another_host(bench).await?;
            return Ok(other.filter(|other| !other.differences.is_empty()).map(|_| "build.env-agnostic"));
        }
        let later = later(bench).await?;
        Checked::Ok(match later.failure {
            Some(_) => None,
            None => Some(if later.is_same() { "build.env-agnostic" } else { "build.reproducible" }),
        })
    };
    match found.await {
        Err(Stop::Verdict(_)) => Ok(None),
        other => other,
    }
}

/// Where in a stage the path of a copy is.
pub(super) fn place(source: &str) -> String {
    // A pattern stands for what is in the folder before it.
    let folder = match source.find(['*', '?', '[']) {
        Some(at) => source[..at].rsplit_once('/').map_or("", |(folder, _)| folder),
        None => source,
    };
    inject::clean(folder)
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

    #[test]
    fn copies_are_looked_for_where_they_come_from() {
        assert_eq!(place("/out/"), "/out");
        assert_eq!(place("/app/dist/*.js"), "/app/dist");
        assert_eq!(place("target/release/orders"), "/target/release/orders");
    }
}
