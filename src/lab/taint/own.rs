//! Secrets that are written down in what an image adds to its outside base image: files of its layers, its configuration
//! and its history.

use std::collections::{BTreeMap, BTreeSet};

use super::value::WrittenSecret;
use super::written::{in_command, in_file, in_start, in_value};
use crate::engine::{BuildContext, ContextFile, EntryKind, ImageInfo};
use crate::error::Result;
use crate::lab::lineage::base_of;
use crate::lab::{Attempt, Lab, blame};
use crate::spec::HealthTest;
use crate::stacks::formats;
use crate::subject::{RoleSubject, Target};
use crate::text::Place;

/// Larger files hold data.
const LARGEST: u64 = 1 << 20;

/// A secret that is written down.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) what: String,
    /// Where in the image.
    pub(crate) part: String,
    /// What brings it there.
    pub(crate) by: Place,
}

/// What is found in a file of a layer.
enum Seen {
    Secret(WrittenSecret, Option<Vec<u8>>),
    /// A distribution's list of the files that its packages bring.
    Listed(Vec<String>),
}

/// The first secret that is written down in what a role's image adds to its base. What packages bring, the
/// distribution's and those in folders that `is_foreign`, is their own; a file of the project's is not, wherever it was put.
/// Nothing is asked about paths that `is_elses`.
pub(crate) async fn written(
    lab: &Lab,
    role: &RoleSubject,
    image: &ImageInfo,
    is_foreign: fn(&str) -> bool,
    is_elses: fn(&str) -> bool,
) -> Attempt<Option<Note>> {
    let base = base_of(lab, role).await?;
    if let Some(note) = in_settings(lab, role, image, base.as_ref()).await? {
        return Ok(Some(note));
    }
    let layers = base.map(|base| base.layers).unwrap_or_default();
    let files = projects(&role.target, is_foreign)?;
    let names: BTreeSet<String> = files.keys().cloned().collect();
    let judge = move |path: &str, member: Option<&str>, content: &[u8]| {
        if let Some(listed) = formats::packaged(path, content) {
            return Some(Seen::Listed(listed));
        }
        // Of what is packed in an archive, only the project's own files are known to be its own.
        let foreign = member.is_some() || is_foreign(path);
        let own = member.unwrap_or(path);
        if is_elses(path) || foreign && !names.contains(name(own)) {
            return None;
        }
        in_file(own, content).map(|found| Seen::Secret(found, foreign.then(|| content.to_vec())))
    };
    let seen = lab.engine().judge_files(&image.id, &layers, LARGEST, judge).await?;
    let listed: BTreeSet<&str> = seen
        .iter()
        .filter_map(|(_, seen)| if let Seen::Listed(paths) = seen { Some(paths) } else { None })
        .flatten()
        .map(String::as_str)
        .collect();
    let mut secrets = seen.iter().filter_map(|(path, seen)| match seen {
        Seen::Secret(found, content) => {
            let own = content.as_ref().is_none_or(|content| files.values().any(|files| is_same(files, content)));
            // The distribution's list may name a folder by the link to it.
            let packaged =
                listed.contains(path.as_str()) || path.strip_prefix("/usr").is_some_and(|path| listed.contains(path));
            (own && !packaged).then_some((path, found))
        }
        Seen::Listed(_) => None,
    });
    Ok(secrets.next().map(|(path, found)| {
        let paths: Vec<String> = files.values().flatten().map(|file| file.path.clone()).collect();
        let by = blame::value(&role.target, &found.text);
        let by = by.unwrap_or_else(|| blame::copy_of(&role.target, path, "", &paths));
        Note { what: found.what.clone(), part: format!("file {path}"), by }
    }))
}

/// A secret in the configuration or the history, and not in the base's.
async fn in_settings(
    lab: &Lab,
    role: &RoleSubject,
    image: &ImageInfo,
    base: Option<&ImageInfo>,
) -> Attempt<Option<Note>> {
    let config = &image.config;
    let of_base = |name: &str| base.and_then(|base| base.config.env_value(name));
    let env = config.env.iter().filter(|(name, value)| of_base(name) != Some(value.as_str()));
    let mut texts: Vec<(String, Option<WrittenSecret>)> =
        env.map(|(name, value)| (format!("the variable {name}"), in_value(value))).collect();
    let labels = config.labels.iter().map(|(name, value)| (format!("the label {name}"), in_command(value)));
    texts.extend(labels);
    let health = config.healthcheck.as_ref().and_then(|check| check.test.as_ref()).map(HealthTest::command);
    let (entrypoint, cmd) = (config.entrypoint.join(" "), config.cmd.join(" "));
    for (what, text) in
        [("the entrypoint", entrypoint), ("the command", cmd), ("the healthcheck", health.unwrap_or_default())]
    {
        texts.push((what.to_owned(), in_start(&text)));
    }
    let before = match base {
        Some(base) => lab.engine().history(&base.id).await?.len(),
        None => 0,
    };
    let history = lab.engine().history(&image.id).await?;
    texts.extend(history.iter().skip(before).map(|item| ("the history".to_owned(), in_command(&item.created_by))));
    let found = texts.into_iter().find_map(|(part, found)| Some((part, found?)));
    Ok(found.map(|(part, found)| {
        let by = line_of(lab, role, &found.text);
        Note { what: found.what, part, by }
    }))
}

/// The line that holds a text: of the Dockerfile, or of what compose.yaml gives the build.
fn line_of(lab: &Lab, role: &RoleSubject, text: &str) -> Place {
    let service = lab.subject.service(role);
    let given = || {
        let args = &service.build.as_ref()?.args;
        let (name, _) = args.iter().find(|(_, value)| value.as_ref().is_some_and(|value| value.contains(text)))?;
        Some(service.at(&format!("build.args.{name}")).clone())
    };
    let target = &role.target;
    blame::value(target, text).or_else(given).unwrap_or_else(|| target.place(target.line()))
}

/// The project's own small files in a build's context, by their names.
fn projects(target: &Target, is_foreign: fn(&str) -> bool) -> Result<BTreeMap<String, Vec<ContextFile>>> {
    let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let mut found: BTreeMap<String, Vec<ContextFile>> = BTreeMap::new();
    for file in context.files()?.iter() {
        if file.kind == EntryKind::File && file.size <= LARGEST && !is_foreign(&file.path) {
            found.entry(name(&file.path).to_owned()).or_default().push(file.clone());
        }
    }
    Ok(found)
}

fn is_same(files: &[ContextFile], content: &[u8]) -> bool {
    let mut same = files.iter().filter(|file| file.size == content.len() as u64);
    same.any(|file| file.read().is_ok_and(|own| own == content))
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
