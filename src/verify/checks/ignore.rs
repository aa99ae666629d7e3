//! `scaffold.ignore`: files that no image is to hold are put into the build context, and looked for in every image.
//!
//! One defect fails one contract: what reaches the service image and is of a kind that a contract of service follows
//! (values, secrets, build outputs) is that contract's to tell, here and in every other image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use futures_util::future::try_join_all;

use crate::engine::{BuildContext, ContextFile, EntryKind, ImagePart};
use crate::error::Result;
use crate::lab::images::build_in;
use crate::lab::leavings::{concrete, in_tests, is_code, is_foreign};
use crate::lab::tracer::word;
use crate::lab::versioned::is_unversioned;
use crate::lab::{Lab, blame};
use crate::stacks::{Seeds, ecosystem, set_variables};
use crate::subject::{RoleSubject, Target};
use crate::text::{self, listed};
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// What a seeded file stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    History,
    Environment,
    Secret,
    Output,
}

impl Class {
    /// The contract that follows this kind of file into the service image.
    fn followed_by(self) -> Option<&'static str> {
        match self {
            Class::History => None,
            Class::Environment => Some("service.no-deployment-env"),
            Class::Secret => Some("service.no-secret"),
            Class::Output => Some("build.from-source"),
        }
    }
}

/// A file put into the context, and the word in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seed {
    path: String,
    class: Class,
    word: String,
}

/// The context of a target with the seeds in it, and those that the ignore rules let through.
struct Seeded {
    context: BuildContext,
    sent: Vec<Seed>,
}

/// A seed that was found in an image.
struct Hit<'a> {
    seed: &'a Seed,
    role: &'a RoleSubject,
    target: &'a Target,
    place: ImagePart,
}

/// `scaffold.ignore`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let mut seeded: BTreeMap<(PathBuf, PathBuf), Seeded> = BTreeMap::new();
    let mut looks = Vec::new();
    let mut count = 0;
    for role in &lab.subject.roles {
        for (target, own) in [(Some(&role.target), role.own.is_none()), (role.own.as_ref(), true)] {
            let Some(target) = target else { continue };
            // What did not build says nothing.
            let usual = if own { lab.image(&role.name)? } else { lab.container_image(&role.name)? };
            let key = (target.context.clone(), target.dockerfile.file.clone());
            if !seeded.contains_key(&key) {
                let made = seed(lab, target)?;
                seeded.insert(key.clone(), made);
            }
            looks.push((role, target, usual, key));
            count += 1;
        }
    }
    // Where nothing more is sent, the images are those that are there.
    let looks = looks.iter().filter(|(.., key)| !seeded[key].sent.is_empty());
    let found = try_join_all(looks.map(|(role, target, usual, key)| look(lab, role, target, &usual.id, &seeded[key])));
    let mut hits = Vec::new();
    let mut unbuilt = Vec::new();
    for (role_hits, why) in found.await? {
        hits.extend(role_hits);
        unbuilt.extend(why);
    }
    hits.sort_by_key(|hit| (hit.seed.class, order(lab, hit.role)));
    if let Some(verdict) = verdict(&hits) {
        return Ok(verdict);
    }
    if let Some(why) = unbuilt.first() {
        return Ok(inconclusive(format!("with files of other kinds in the build context {why}")));
    }
    // Which outputs there are, the stack knows.
    lab.stack("which build outputs must reach no image; of the other kinds of files none does")?;
    let let_through: BTreeSet<&str> =
        seeded.values().flat_map(|one| &one.sent).map(|seed| seed.path.as_str()).collect();
    Ok(pass(if let_through.is_empty() {
        "the build context contains no version control, environment, secret or build output".to_owned()
    } else {
        let names: Vec<&str> = let_through.iter().take(4).copied().collect();
        format!("what the build context contains of them ({}, …) is in none of {count} images", names.join(", "))
    }))
}

fn order(lab: &Lab, role: &RoleSubject) -> usize {
    lab.subject.roles.iter().position(|other| other.name == role.name).unwrap_or(usize::MAX)
}

/// Builds a target with the seeds and searches its image; what could not be built is the second of the pair.
async fn look<'a>(
    lab: &Lab,
    role: &'a RoleSubject,
    target: &'a Target,
    usual: &str,
    seeded: &'a Seeded,
) -> Checked<(Vec<Hit<'a>>, Option<String>)> {
    let text = target.dockerfile.text.clone();
    let name = format!("seeded {}", role.name);
    let image = match build_in(&lab.run, &seeded.context, target, text, target.args.clone(), &name).await? {
        Ok(image) => image,
        Err(why) => return Ok((Vec::new(), Some(why))),
    };
    if image.id == usual {
        return Ok((Vec::new(), None));
    }
    let words: Vec<Vec<u8>> = seeded.sent.iter().map(|seed| seed.word.clone().into_bytes()).collect();
    let found = lab.engine().search_image(&image.id, &words).await?;
    let hit = |hit: crate::engine::Hit| Hit { seed: &seeded.sent[hit.needle], role, target, place: hit.place };
    Ok((found.into_iter().map(hit).collect(), None))
}

/// The failure by what was found; none if nothing was. What a contract of service follows comes last.
fn verdict(hits: &[Hit<'_>]) -> Option<Verdict> {
    let in_service: BTreeSet<Class> =
        hits.iter().filter(|hit| hit.role.role == "service").map(|hit| hit.seed.class).collect();
    let followed = |hit: &&Hit<'_>| in_service.contains(&hit.seed.class) && hit.seed.class.followed_by().is_some();
    let (followed, own): (Vec<&Hit<'_>>, Vec<_>) = hits.iter().partition(followed);
    let shown = if own.is_empty() { &followed } else { &own };
    let verdict = told(shown)?;
    if !own.is_empty() {
        return Some(verdict.by_itself());
    }
    let all = [Class::Environment, Class::Secret, Class::Output];
    let others = all.into_iter().filter(|class| !in_service.contains(class)).filter_map(Class::followed_by);
    Some(others.fold(verdict, Verdict::rules_out))
}

fn told(hits: &[&Hit<'_>]) -> Option<Verdict> {
    let first = hits.first()?;
    // Each file once, in the first image that has it.
    let mut shown: Vec<&Hit<'_>> = Vec::new();
    for hit in hits {
        if !shown.iter().any(|other| other.seed.path == hit.seed.path) {
            shown.push(hit);
        }
    }
    let parts = shown.iter().map(|hit| {
        format!("{} of the build context is {} of the image of {}", hit.seed.path, hit.place, hit.role.name)
    });
    let path = &first.seed.path;
    let kept = blame::keeping(first.target, path);
    // Beside an environment file may lie what the image needs.
    let named = if first.seed.class == Class::Environment { path } else { path.split('/').next().unwrap_or(path) };
    let hint = if kept.is_some() {
        format!("Remove the line that lets `{named}` in again, or copy only what is needed by its name.")
    } else {
        let file = blame::ignore_file(first.target);
        format!("Name `{named}` in {file}, or copy only what is needed by its name.")
    };
    let place = kept.or_else(|| blame::bringing(first.target, path));
    let place = place.unwrap_or_else(|| first.target.place(first.target.line()));
    Some(
        fail(listed(parts, 4))
            .expected("no image contains a file of version control, an environment file, a secret or a build output")
            .at_place(&place)
            .hint(hint),
    )
}

/// The context of a target with the seeds.
fn seed(lab: &Lab, target: &Target) -> Result<Seeded> {
    let mut context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let root = context.root().map(Path::to_owned).unwrap_or_default();
    let folder = &lab.subject.folder;
    // A context may be a folder around the project, or one inside it.
    let inside = folder.strip_prefix(&root).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix = if inside.is_empty() { String::new() } else { format!("{inside}/") };
    let mut wanted: Vec<(String, Class)> = Vec::new();
    // A folder inside a repository has no history of its own.
    if folder.starts_with(&root) {
        let history = ecosystem().seeds.history.iter();
        // In a worktree the folder is a file.
        wanted.extend(history.map(|(folder, file)| {
            let path = if root.join(folder).is_file() { folder.clone() } else { format!("{folder}/{file}") };
            (path, Class::History)
        }));
        // A repository inside of this one, as a submodule or a clone is, has its own, where there is one.
        if let Some((name, file)) = &ecosystem().seeds.history {
            let nested = format!("/{name}");
            let inner = |path: &str| {
                let end = path.match_indices(&nested).map(|(at, _)| at + nested.len());
                end.into_iter()
                    .find(|end| matches!(path.as_bytes().get(*end), None | Some(b'/')))
                    .map(|end| path[..end].to_owned())
            };
            let all: BTreeSet<String> = context.files()?.iter().filter_map(|file| inner(&file.path)).collect();
            wanted.extend(all.into_iter().map(|path| {
                let path = if root.join(&path).is_file() { path } else { format!("{path}/{file}") };
                (path, Class::History)
            }));
        }
    }
    let Seeds { environment, secret, .. } = &ecosystem().seeds;
    for (paths, class) in [(environment, Class::Environment), (secret, Class::Secret)] {
        wanted.extend(paths.iter().map(|path| (format!("{prefix}{path}"), class)));
    }
    let compose = &lab.subject.compose;
    let inner = |path: &PathBuf| Some(path.strip_prefix(&root).ok()?.to_string_lossy().into_owned());
    let secrets = compose.secrets.values().filter_map(|secret| inner(secret.file_path.as_ref()?));
    wanted.extend(secrets.map(|path| (path, Class::Secret)));
    let files = compose.services.values().flat_map(|service| &service.env_files);
    let given = files.filter_map(|file| inner(&file.path)).collect();
    wanted.extend(deeper(&context, &given)?);
    let ignore = lab.subject.project.stack.iter().flat_map(|stack| &stack.ignore);
    wanted.extend(ignore.filter_map(|line| Some((format!("{prefix}{}", concrete(line)?), Class::Output))));
    let mut sent: Vec<Seed> = Vec::new();
    for (path, class) in wanted {
        if !has_room(&root, &path) || sent.iter().any(|seed| seed.path == path) {
            continue;
        }
        // What the build publishes is source, unless it is this host's alone.
        let file = root.join(&path);
        let is_source = || ecosystem().published.is_all_of(&file) && !is_unversioned(folder, &file);
        if class == Class::Environment && !given.contains(&path) && is_source() {
            continue;
        }
        let word = word(lab.run.id(), 1000 + sent.len());
        // What the build may need of a file that is there stays in it.
        let mut content = match class {
            Class::Environment => text::read(&file, text::SMALL).unwrap_or_default(),
            _ => Vec::new(),
        };
        content.extend(format!("\nDOCKWRIGHT_SEED={word}\n").into_bytes());
        context = context.with_file(&path, content, 0o644);
        sent.push(Seed { path, class, word });
    }
    let files = context.files()?;
    sent.retain(|seed| files.iter().any(|file| file.path == seed.path));
    Ok(Seeded { context, sent })
}

/// The environment files and private keys that are there, wherever they lie in the context: a pattern may fit the root alone.
/// What compose.yaml gives a container as one is `given`.
/// Templates hold no value, and what lies among tests is made for them.
fn deeper(context: &BuildContext, given: &BTreeSet<String>) -> Result<Vec<(String, Class)>> {
    const LARGEST_KEY: u64 = 16 * 1024;
    let mut found = Vec::new();
    for file in context.files()?.iter().filter(|file| file.kind == EntryKind::File && !in_tests(&file.path)) {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let template = ["example", "sample", "template", "dist"].iter().any(|word| name.contains(word));
        if (is_environment(name, file)? || given.contains(&file.path)) && !template {
            found.push((file.path.clone(), Class::Environment));
        } else if file.size < LARGEST_KEY && !is_foreign(&file.path) && is_key(&file.read()?) {
            found.push((file.path.clone(), Class::Secret));
        }
    }
    Ok(found)
}

/// Whether a file is one of environment, by its name; or by a word of that, if it holds only variables: `production.env.local`,
/// `env-staging`.
fn is_environment(name: &str, file: &ContextFile) -> Result<bool> {
    let ending = Path::new(name).extension().is_some_and(|ending| ending == "env");
    if ending || [".env", ".envrc"].contains(&name) || name.starts_with(".env.") {
        return Ok(true);
    }
    let is_named = name.split(['.', '-', '_']).any(|part| part == "env");
    if !is_named || is_code(name) || is_foreign(&file.path) || file.size > text::SMALL {
        return Ok(false);
    }
    let content = file.read()?;
    let content = String::from_utf8_lossy(&content);
    Ok(set_variables(&content).is_some_and(|names| !names.is_empty()))
}

/// Whether a file is a private key, as tools write them (RFC 7468, section 10).
fn is_key(content: &[u8]) -> bool {
    let first = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first.starts_with(b"-----BEGIN ") && first.trim_ascii_end().ends_with(b"PRIVATE KEY-----")
}

/// Whether a file can be at a path: no folder is there, and no file above it.
fn has_room(root: &Path, path: &str) -> bool {
    let above = path.match_indices('/').map(|(end, _)| &path[..end]);
    !root.join(path).is_dir() && above.into_iter().all(|folder| !root.join(folder).is_file())
}
