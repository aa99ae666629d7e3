//! `installation.immutable`: nothing of the host is mounted over what was released, and the same release gives the same
//! image.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::compose::{self, LaidFrom};
use crate::dockerfile::{Dockerfile, InstructionKind};
use crate::engine::{BuildContext, BuildOutcome, BuildRequest, EntryKind, FileTree, ImageConfig, ImageInfo};
use crate::lab::images::{self, build_in};
use crate::lab::leavings::is_program;
use crate::lab::lineage::is_of_service;
use crate::lab::way::way;
use crate::lab::{Injection, Lab, blame};
use crate::project::Code;
use crate::subject::{RoleSubject, Target};
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// Parts of the names of what is a release's own, and the same wherever and whenever it is built.
const IDENTITY: &[&str] =
    &["REVISION", "VERSION", "TAG", "COMMIT", "SHA", "SHA1", "SHA256", "REF", "RELEASE", "VCS", "GIT", "DIGEST"];

/// Parts of the names of what is not, whatever else they say: `RELEASE_DATE`. That of reproducible builds is the
/// commit's own.
const MOMENT: &[&str] = &["DATE", "TIME", "TIMESTAMP", "NOW"];
const OF_COMMIT: &str = "SOURCE_DATE_EPOCH";

/// What every variable of the host is, seen from another one. A number, as compose.yaml may want a port.
const ELSEWHERE: &str = "4242";

/// `installation.immutable`.
pub(super) async fn immutable(lab: &Lab) -> Checked {
    let service = lab.image("service")?;
    let mut count = 0;
    for role in lab.subject.installations() {
        let image = lab.image(&role.name)?;
        if let Some(verdict) = mounted(lab, role, image).await? {
            return Ok(verdict.by_itself());
        }
        if !is_of_service(lab, role, image, service)? {
            return Ok(inconclusive(format!("{} is not made from the service image", role.name)));
        }
        if let Some(again) = again(lab, role, service).await? {
            let differ = differences(&image.config, &again, true);
            if let Some(first) = differ.first() {
                return Ok(changed(role, first, "the next build of the same release").by_itself());
            }
        }
        if let Some(verdict) = elsewhere(lab, role, image).await? {
            return Ok(verdict.by_itself());
        }
        count += 1;
    }
    Ok(pass(format!(
        "nothing is mounted over {count} release{}, and built again the configuration is the same, whatever the host",
        if count == 1 { "" } else { "s" }
    )))
}

fn changed(role: &RoleSubject, difference: &Difference, when: &str) -> Verdict {
    let what = &difference.what;
    fail(format!("{}: {when} gives another {what}", role.name))
        .expected("the same image configuration for the same release")
        .at_place(&blame::varying(&role.target, difference.sets))
}

/// The verdict on a mount that puts something else in the place of what was released, or of the project's files beside it.
async fn mounted(lab: &Lab, role: &RoleSubject, image: &ImageInfo) -> Checked<Option<Verdict>> {
    let service = lab.subject.service(role);
    let workdir = service.settings.working_dir.clone().unwrap_or_else(|| image.config.working_dir.clone());
    let mut code = Injection::of(&lab.subject).map_or_else(Vec::new, |one| one.destinations(&image.config.working_dir));
    if code.is_empty() {
        code.push(workdir);
    }
    let covers = |target: &str| target != "/" && code.iter().any(|place| Path::new(place).starts_with(target));
    let refuse = |what: String, place: &Place| {
        let expected = "what runs is in the image; only secrets, configs and data are mounted";
        Some(fail(format!("{}: {what}", role.name)).expected(expected).at_place(place))
    };
    let project = &lab.subject.folder;
    let sources = BuildContext::open(project)?.files()?;
    let is_own = |source: &Path, counts: fn(&str) -> bool| {
        project.starts_with(source)
            || source.strip_prefix(project).is_ok_and(|inside| {
                let below = |path: &str| Path::new(path).starts_with(inside);
                sources.iter().any(|file| file.kind == EntryKind::File && below(&file.path) && counts(&file.path))
            })
    };
    // No layer of its own, so that its files are the service's, which other contracts read, too.
    let laid = lab.subject.compose.laid(service);
    let tree = if laid.is_empty() { Arc::default() } else { lab.tree(&image.id).await? };
    for one in laid {
        let at = |what: String| refuse(what, one.place);
        // The engine follows the image's own links on the way to where it mounts.
        let target = way(&tree, &one.target).map_or_else(|| one.target.clone(), |way| way.end);
        let hides = covers(&target) || is_code(&tree, &code, &target);
        match one.from {
            LaidFrom::Host(source) => {
                let source = Path::new(source);
                let shown = lab.subject.shown(source);
                let shown = if shown.is_empty() { "." } else { &shown };
                // Settings and certificates are data, wherever they are kept; what runs is not.
                if is_own(source, |_| true) && (hides || is_own(source, is_program)) {
                    return Ok(at(format!("{shown} of the project is mounted at {}", one.target)));
                }
                if hides {
                    return Ok(at(format!("{shown} of the host is mounted over the code at {}", one.target)));
                }
            }
            LaidFrom::Volume(name) => {
                let by_builder = lab.subject.project.roles.service.code == Code::Mounted && one.read_only;
                if hides && !by_builder {
                    let name = name.unwrap_or("of its own");
                    return Ok(at(format!("the volume {name} is mounted over the code at {}", one.target)));
                }
            }
            LaidFrom::Memory | LaidFrom::Text if hides => {
                return Ok(at(format!("compose.yaml puts something else over the code at {}", one.target)));
            }
            LaidFrom::Memory | LaidFrom::Text => {}
        }
    }
    let volume = image.config.volumes.iter().find(|target| covers(target));
    Ok(volume.and_then(|target| {
        refuse(format!("VOLUME puts a volume over the code at {target}"), &blame::volume(&role.target, target))
    }))
}

/// Whether a place has what runs: any file of the image inside the code's folders, and elsewhere its programs.
fn is_code(tree: &FileTree, code: &[String], target: &str) -> bool {
    let of_service = code.iter().any(|place| Path::new(target).starts_with(place));
    let runs = |path: &str, mode: u32| of_service || is_program(path) || mode & 0o111 != 0;
    tree.under(target).any(|(path, entry)| entry.kind == EntryKind::File && runs(path, entry.mode))
}

/// The configuration of an installation that is built again on the service image, without the builder's cache; none
/// if its stage needs more than the service.
async fn again(lab: &Lab, role: &RoleSubject, service: &ImageInfo) -> Checked<Option<ImageConfig>> {
    let target = &role.target;
    let Some(reference) = service.repo_tags.iter().find(|tag| lab.run.named(tag)) else { return Ok(None) };
    let Some(text) = on_service(&target.dockerfile, target.stage, &lab.role("service")?.target, reference) else {
        return Ok(None);
    };
    let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let request = images::request(&lab.run, target, &format!("{}-again", role.name), &context, &text).await?;
    let request = BuildRequest { no_cache: true, ..request };
    match images::build(&lab.run, request, |_| {}).await? {
        BuildOutcome::Built { image_id } => Ok(Some(lab.engine().image(&image_id).await?.config)),
        BuildOutcome::Failed(failure) => Err(inconclusive(format!(
            "{} did not build a second time on the service image: {}",
            role.name, failure.message
        ))
        .into()),
    }
}

/// The text of the stages between the service's and an installation's, on the service's image instead of its stage.
fn on_service(dockerfile: &Dockerfile, stage: usize, service: &Target, reference: &str) -> Option<String> {
    let below = dockerfile.stage(&service.stage_name())?;
    let chain = dockerfile.ancestry(stage);
    let own: Vec<usize> = chain.iter().copied().take_while(|index| *index != below.index).collect();
    let of_service = dockerfile.closure(below.index);
    let closed = dockerfile.closure(stage).iter().all(|index| own.contains(index) || of_service.contains(index));
    let copies = own.iter().flat_map(|index| &dockerfile.stages[*index].instructions).any(|one| match &one.kind {
        InstructionKind::Copy(copy) => copy.from.is_some(),
        InstructionKind::Run(run) => run.mounts.iter().any(|mount| mount.from.is_some()),
        _ => false,
    });
    if !chain.contains(&below.index) || own.is_empty() || !closed || copies {
        return None;
    }
    let name = below.name.as_ref()?;
    let first = dockerfile.stages.first()?.line;
    let lines = dockerfile.text.lines().enumerate().map(|(index, line)| {
        let number = index + 1;
        let kept = own.iter().any(|index| {
            let stage = &dockerfile.stages[*index];
            (stage.line..=stage.end_line).contains(&number)
        });
        if number == below.line {
            format!("FROM {reference} AS {name}")
        } else if number < first || kept {
            line.to_owned()
        } else {
            String::new()
        }
    });
    Some(lines.collect::<Vec<_>>().join("\n") + "\n")
}

/// The verdict on an image whose configuration another host, or another day, would decide.
async fn elsewhere(lab: &Lab, role: &RoleSubject, image: &ImageInfo) -> Checked<Option<Verdict>> {
    let target = &role.target;
    let mut args = target.args.clone();
    let changed_args = host_arguments(lab, role);
    if changed_args.is_empty() {
        return Ok(None);
    }
    args.extend(changed_args.clone());
    let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let text = target.dockerfile.text.clone();
    let built = build_in(&lab.run, &context, target, text, args, &format!("{}-elsewhere", role.name)).await?;
    let built = match built {
        Ok(built) => built,
        Err(why) => return Ok(Some(inconclusive(format!("with another host's values for build arguments {why}")))),
    };
    // A variable that takes its value from the host is installation.env-complete's to tell.
    let differ = differences(&image.config, &built.config, false);
    Ok(differ.first().map(|first| {
        let names: Vec<&str> = changed_args.keys().map(String::as_str).collect();
        let when = format!("another value of {} on the host that builds", names.join(", "));
        changed(role, first, &when)
    }))
}

/// The build arguments that the host decides, with the values of another one; those that name the release aside.
fn host_arguments(lab: &Lab, role: &RoleSubject) -> BTreeMap<String, String> {
    let arguments = |other: bool| {
        let compose = &lab.subject.compose;
        let of_service =
            lab.subject.service(role).build.as_ref().map_or_else(Vec::new, |build| build.args.keys().collect());
        let names = compose.interpolated.iter().map(|one| &one.name).chain(of_service);
        let env = names.filter(|name| other && !is_identity(name)).map(|name| (name.clone(), ELSEWHERE.to_owned()));
        let read = compose::read(&lab.subject.folder, &env.collect()).ok()?;
        read.services.get(&role.service)?.build.as_ref().map(|build| build.args.clone())
    };
    let (Some(here), Some(there)) = (arguments(false), arguments(true)) else { return BTreeMap::new() };
    let differ = there.into_iter().filter(|(name, value)| here.get(name) != Some(value));
    differ.filter_map(|(name, value)| Some((name, value?))).collect()
}

fn is_identity(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let has = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
    name == OF_COMMIT || has(IDENTITY) && !has(MOMENT)
}

/// A field in which two configurations differ.
#[derive(Debug)]
struct Difference {
    /// For people.
    what: String,
    /// Whether an instruction is of the kind that sets it.
    sets: fn(&InstructionKind) -> bool,
}

fn differences(one: &ImageConfig, other: &ImageConfig, with_env: bool) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut field = |what: &str, differs: bool, sets: fn(&InstructionKind) -> bool| {
        if differs {
            found.push(Difference { what: what.to_owned(), sets });
        }
    };
    for key in one.labels.keys().chain(other.labels.keys()) {
        let differs = one.labels.get(key) != other.labels.get(key);
        field(&format!("label {key}"), differs, |kind| matches!(kind, InstructionKind::Label(_)));
    }
    field("environment", with_env && one.env != other.env, |kind| matches!(kind, InstructionKind::Env(_)));
    field("command", one.cmd != other.cmd, |kind| matches!(kind, InstructionKind::Cmd(_)));
    field("entrypoint", one.entrypoint != other.entrypoint, |kind| matches!(kind, InstructionKind::Entrypoint(_)));
    field("user", one.user != other.user, |kind| matches!(kind, InstructionKind::User(_)));
    field("working directory", one.working_dir != other.working_dir, |kind| {
        matches!(kind, InstructionKind::Workdir(_))
    });
    field("healthcheck", one.healthcheck != other.healthcheck, |kind| matches!(kind, InstructionKind::Healthcheck(_)));
    field("list of ports", one.exposed_ports != other.exposed_ports, |kind| matches!(kind, InstructionKind::Expose(_)));
    field("list of volumes", one.volumes != other.volumes, |kind| matches!(kind, InstructionKind::Volume(_)));
    field("stop signal", one.stop_signal != other.stop_signal, |kind| matches!(kind, InstructionKind::StopSignal(_)));
    field("shell", one.shell != other.shell, |kind| matches!(kind, InstructionKind::Shell(_)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile;

    #[test]
    fn a_release_is_known_by_its_revision_and_not_by_its_day() {
        assert!(["REVISION", "GIT_SHA", "APP_VERSION", "SOURCE_DATE_EPOCH"].map(is_identity) == [true; 4]);
        assert!(!["BUILD_DATE", "HOSTNAME", "RELEASE_DATE", "BUILD_NUMBER", "USER"].into_iter().any(is_identity));
    }

    #[test]
    fn an_installation_is_built_on_the_service_image_with_its_lines_kept() {
        let text = "ARG A=1\nFROM x AS service\nRUN y\nFROM service AS release\nWORKDIR /z\nFROM release AS installation\nENV B=c\n";
        let dockerfile = dockerfile::parse(text, "Dockerfile".as_ref()).unwrap();
        let target = Target {
            context: ".".into(),
            dockerfile: std::sync::Arc::new(dockerfile.clone()),
            file: "Dockerfile".into(),
            stage: 0,
            args: BTreeMap::new(),
            secrets: BTreeMap::new(),
            settings: crate::spec::BuildSettings::default(),
            contexts: BTreeMap::new(),
        };
        assert_eq!(
            on_service(&dockerfile, 2, &target, "r:1").unwrap(),
            "ARG A=1\nFROM r:1 AS service\n\nFROM service AS release\nWORKDIR /z\nFROM release AS installation\nENV B=c\n"
        );
        assert_eq!(on_service(&dockerfile, 0, &target, "r:1"), None);
    }

    #[test]
    fn what_differs_is_named() {
        let one = ImageConfig { labels: [("day".to_owned(), "1".to_owned())].into(), ..ImageConfig::default() };
        let other = ImageConfig { env: vec![("A".into(), "b".into())], ..ImageConfig::default() };
        let found = differences(&one, &other, false);
        assert_eq!((found.len(), found[0].what.as_str()), (1, "label day"));
        assert!(
            (found[0].sets)(&InstructionKind::Label(Vec::new()))
                && !(found[0].sets)(&InstructionKind::User(String::new()))
        );
        assert_eq!(differences(&one, &other, true).len(), 2);
        assert!(differences(&one, &one, true).is_empty());
    }
}
