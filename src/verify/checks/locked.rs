//! `build.locked`: what the lock file does not hold stops the build.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::engine::{BuildContext, BuildEvent, BuildOutcome, ContextFile, EntryKind};
use crate::lab::leavings::{below_any, is_foreign};
use crate::lab::{Lab, blame, images};
use crate::stacks::{LockProbe, Says, ecosystem};
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, inconclusive, pass};

/// Files of more bytes are no manifests, and lock files are read so far.
const LARGEST: u64 = 16 << 20;

/// A manifest with a dependency that no lock file holds.
struct Unlocked<'a> {
    path: String,
    text: String,
    mode: u32,
    /// Its name, without a version.
    package: &'a str,
    probe: &'a LockProbe,
}

/// `build.locked`.
pub(super) async fn locked(lab: &Lab) -> Checked {
    let role = lab.role("build")?;
    lab.image("build")?;
    let target = role.own.as_ref().unwrap_or(&role.target);
    let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let locks = &lab.stack("which of its files say what it depends on")?.locks;
    let unlocked = locks.iter().find_map(|probe| add(probe, &context).transpose()).transpose()?;
    let Some(unlocked) = unlocked else {
        let mut names: Vec<&str> = locks.iter().map(|probe| probe.manifest.as_str()).collect();
        names.dedup();
        return Ok(inconclusive(format!(
            "the build context has no manifest that a dependency could be added to ({})",
            names.join(", ")
        )));
    };
    let Unlocked { path, package, .. } = &unlocked;
    let changed = context.with_file(path, unlocked.text.clone().into_bytes(), unlocked.mode);
    let changed = used(unlocked.probe, changed, package)?;
    let request = images::request(&lab.run, target, "unlocked", &changed, &target.dockerfile.text).await?;
    // The end of a log may be no more than how the command is used.
    let (mut printed, mut failed) = (BTreeMap::<u32, Vec<String>>::new(), None);
    let outcome = images::build(&lab.run, request, |event| match event {
        // Tried once more, its steps have the same numbers.
        BuildEvent::StepStarted(step) => drop(printed.remove(&step.id)),
        BuildEvent::Log { step, line } => printed.entry(step).or_default().push(line),
        BuildEvent::StepFailed { step, .. } => failed = Some(step.id),
        _ => {}
    });
    let failure = match outcome.await? {
        BuildOutcome::Failed(failure) => failure,
        BuildOutcome::Built { .. } => {
            return Ok(fail(format!("with {package} added to {path}, and in no lock file, it builds all the same"))
                .expected("a dependency that the lock file does not contain stops the build")
                .at(target.file.clone(), blame::installing_by(target, &unlocked.probe.command())));
        }
    };
    let log = failed.and_then(|step| printed.remove(&step)).unwrap_or_else(|| failure.log_tail.clone());
    if let Some(line) = log.iter().find(|line| Says::any(&ecosystem().says.network, line)) {
        let what =
            format!("with {package} added to {path} the build failed, but because of the network: {}", line.trim());
        return Ok(inconclusive(what).log(failure.log_tail));
    }
    // A remark says nothing of why it failed.
    let says = &ecosystem().says;
    let errors = || log.iter().filter(|line| !Says::any(&says.remark, line));
    let named = errors().find(|line| line.contains(package));
    let Some(line) = named.or_else(|| errors().find(|line| Says::any(&says.locked, line))) else {
        let what =
            format!("with {package} added to {path} the build failed, and nothing says that the lock was the reason");
        return Ok(inconclusive(format!("{what}: {}", failure.message)).log(failure.log_tail));
    };
    Ok(pass(format!("with {package} added to {path} it does not build: {}", line.trim())))
}

/// The manifest of a probe with a package added; none if the context has no such manifest.
fn add<'a>(probe: &'a LockProbe, context: &BuildContext) -> Checked<Option<Unlocked<'a>>> {
    let files = context.files()?;
    let glob = globset::Glob::new(&probe.manifest).expect("our own pattern; a test below reads it").compile_matcher();
    let mut manifests: Vec<&ContextFile> = files
        .iter()
        .filter(|file| file.kind == EntryKind::File && file.size < LARGEST && glob.is_match(&file.path))
        .filter(|file| !is_foreign(&file.path) && !below_any(&file.path, &[&ecosystem().folders.outputs]))
        .collect();
    manifests.sort_by_key(|file| (file.path.matches('/').count(), file.path.clone()));
    let mut known = Vec::new();
    for file in files.iter().filter(|file| file.kind == EntryKind::File && file.size < LARGEST) {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path).to_lowercase();
        if ecosystem().locks.names.iter().any(|part| name.contains(part.as_str())) || glob.is_match(&file.path) {
            known.push(String::from_utf8_lossy(&file.read()?).into_owned());
        }
    }
    let is_known = |package: &str| known.iter().any(|text| names(text, without_version(package)));
    let Some(package) = probe.packages.iter().find(|package| !is_known(package)) else {
        return Ok(None);
    };
    for manifest in manifests {
        let Ok(text) = String::from_utf8(manifest.read()?) else { continue };
        let text = match Path::new(&manifest.path).extension().and_then(OsStr::to_str) {
            Some("json") => in_json(probe, &text, package),
            Some("xml") => in_pom(probe, &text, package),
            Some("mod") => Some(in_mod(probe, &text, package)),
            _ => in_toml(probe, &text, package),
        };
        if let Some(text) = text {
            let (path, mode, package) = (manifest.path.clone(), manifest.mode, without_version(package));
            return Ok(Some(Unlocked { path, text, mode, package, probe }));
        }
    }
    Ok(None)
}

/// The name of a package that is written `NAME@VERSION`.
fn without_version(package: &str) -> &str {
    package.rsplit_once('@').map_or(package, |(name, _)| name)
}

/// Whether a lock contains a package, by its name or by the path of its folder in a repository.
fn names(lock: &str, package: &str) -> bool {
    lock.contains(package) || lock.contains(&format!("{}/", package.replace(['.', ':'], "/")))
}

/// A `go.mod`, whose directives are lines of their own or blocks: <https://go.dev/ref/mod#go-mod-file>.
fn in_mod(probe: &LockProbe, text: &str, package: &str) -> String {
    format!("{text}\n{} {}\n", probe.at.join(" "), package.replace('@', " "))
}

/// The context with code that uses the package, where nobody would miss it otherwise.
fn used(probe: &LockProbe, context: BuildContext, package: &str) -> Checked<BuildContext> {
    let Some(using) = &probe.used else { return Ok(context) };
    let glob = globset::Glob::new(&using.files).expect("our own pattern; a test below reads it").compile_matcher();
    let place = Regex::new(&using.find).expect("our own pattern; a test below reads it");
    let text = using.replace.replace("@package@", package);
    let files = context.files()?;
    files
        .iter()
        .filter(|file| file.kind == EntryKind::File && file.size < LARGEST && glob.is_match(&file.path))
        .try_fold(context.clone(), |context, file| {
            let Ok(old) = String::from_utf8(file.read()?) else { return Ok(context) };
            Ok(context.with_file(&file.path, place.replace(&old, &text).into_owned().into_bytes(), file.mode))
        })
}

fn in_json(probe: &LockProbe, text: &str, package: &str) -> Option<String> {
    let mut document: Value = serde_json::from_str(text).ok()?;
    document.as_object()?;
    let mut at = &mut document;
    for key in &probe.at {
        at = at.as_object_mut()?.entry(key.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    at.as_object_mut()?.insert(package.to_owned(), Value::String("*".into()));
    serde_json::to_string_pretty(&document).ok()
}

fn in_toml(probe: &LockProbe, text: &str, package: &str) -> Option<String> {
    let mut document: toml_edit::DocumentMut = text.parse().ok()?;
    let mut at = document.as_item();
    for key in &probe.requires {
        at = at.get(key)?;
    }
    let mut at = document.as_item_mut();
    for key in &probe.at {
        if at.get(key).is_none() && probe.requires.is_empty() {
            return None;
        }
        at = at.as_table_like_mut()?.entry(key).or_insert_with(toml_edit::table);
    }
    match at.as_array_mut() {
        Some(list) => list.push(package),
        None => drop(at.as_table_like_mut()?.insert(package, toml_edit::value("*"))),
    }
    Some(document.to_string())
}

/// A `pom.xml`: <https://maven.apache.org/pom.html#dependencies>.
fn in_pom(probe: &LockProbe, text: &str, package: &str) -> Option<String> {
    let (group, artifact) = package.split_once(':')?;
    let document = roxmltree::Document::parse(text).ok()?;
    let mut at = document.root();
    for key in &probe.at {
        at = at.children().find(|node| node.tag_name().name() == key)?;
    }
    let end = at.range().start + text[at.range()].rfind("</")?;
    let dependency = format!(
        "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>[0,)</version></dependency>"
    );
    Some(format!("{}{dependency}{}", &text[..end], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacks;

    fn probe(stack: &str, index: usize) -> &'static LockProbe {
        &stacks::find(stack).unwrap().locks[index]
    }

    #[test]
    fn every_stack_s_probes_can_be_read() {
        for (name, stack) in stacks::all() {
            assert!(!stack.locks.is_empty(), "{name}");
            for probe in &stack.locks {
                let _ = probe.command();
                globset::Glob::new(&probe.manifest).unwrap();
                assert!(!probe.packages.is_empty() && !probe.at.is_empty(), "{name}");
                if let Some(used) = &probe.used {
                    Regex::new(&used.find).unwrap();
                    globset::Glob::new(&used.files).unwrap();
                    assert!(used.replace.contains("@package@"), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_dependency_is_added_where_the_manifest_declares_them() {
        let added = in_toml(probe("python", 0), "[project]\ndependencies = [\n    \"a>=1\",\n]\n", "toolz").unwrap();
        assert!(added.contains("\"a>=1\"") && added.contains("\"toolz\""), "{added}");
        assert_eq!(in_toml(probe("python", 0), "[project]\ndynamic = [\"dependencies\"]\n", "toolz"), None);
        let added = in_toml(probe("rust", 0), "[package]\nname = \"a\"\n", "fnv").unwrap();
        assert!(added.contains("[dependencies]\nfnv = \"*\""), "{added}");
        assert_eq!(in_toml(probe("rust", 0), "[workspace]\nmembers = [\"a\"]\n", "fnv"), None);
        let added = in_json(probe("node", 0), "{\"name\": \"a\"}", "left-pad").unwrap();
        assert!(added.contains("\"left-pad\": \"*\""), "{added}");
        let added = in_mod(probe("go", 0), "module a\n\nrequire example.com/b v1.0.0", "github.com/google/uuid@v1.6.0");
        assert!(added.ends_with("require example.com/b v1.0.0\nrequire github.com/google/uuid v1.6.0\n"), "{added}");
        assert_eq!(without_version("github.com/google/uuid@v1.6.0"), "github.com/google/uuid");
        let pom = "<project xmlns=\"urn:m\"><build><dependencies/></build><dependencies>\n</dependencies></project>";
        let added = in_pom(probe("java", 0), pom, "a.b:c").unwrap();
        let dependency =
            "<dependency><groupId>a.b</groupId><artifactId>c</artifactId><version>[0,)</version></dependency>";
        assert_eq!(added, pom.replace('\n', &format!("\n{dependency}")));
        assert_eq!(in_pom(probe("java", 0), "<project/>", "a.b:c"), None);
        assert!(names("0f  a/b/c/1.0/c-1.0.jar", "a.b:c") && !names("0f  a/b/cd/1.0/cd-1.0.jar", "a.b:c"));
    }

    #[test]
    fn a_failure_for_the_network_is_no_proof() {
        let says = &ecosystem().says;
        assert!(Says::any(&says.network, "Could not resolve host: static.crates.io"));
        assert!(!Says::any(&says.network, "error: cannot update the lock file because --locked was passed"));
        assert!(Says::any(&says.locked, "error: cannot update the lock file because --locked was passed"));
    }
}
