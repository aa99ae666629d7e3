//! `dockwright pin`: the digests of external images, in dockwright.lock and where the files name the images.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use futures_util::future::try_join_all;
use serde_json::json;

use super::args::{Args, PinArgs};
use super::scope;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::project::{ImageLock, LOCK};
use crate::subject::Subject;
use crate::subject::external::{ExternalImage, frontends, outside};
use crate::text::{ImageName, read_text};
use crate::ui::{DIM, Format, GREEN, RED, Ui};
use crate::write;

/// The largest file that an image is named in, in bytes.
const LARGEST: u64 = 1 << 22;

/// How many lines an instruction is looked through for the image that it names.
const LINES: usize = 40;

pub(super) fn run(ui: &Ui, args: &Args, options: &PinArgs) -> Result<u8> {
    let folder = args.project.canonicalize().map_err(|error| Error::io("cannot find", &args.project, error))?;
    let subject = Subject::read(&folder, super::project(args)?, &super::environment(&folder))?;
    let all: Vec<ExternalImage> = outside(&subject).into_iter().chain(frontends(&subject)).collect();
    let (named, open): (Vec<ExternalImage>, Vec<ExternalImage>) =
        all.into_iter().partition(|one| !one.image.contains('$'));
    // Before the registries are asked: one that cannot be understood needs no answer of theirs.
    let before = ImageLock::read(&folder)?;
    let keys: Vec<String> = {
        let mut keys: Vec<String> = named.iter().map(|one| ImageLock::key(&one.image)).collect();
        keys.sort();
        keys.dedup();
        keys
    };
    let images = scope::runtime()?.block_on(async {
        let engine = Engine::connect().await?;
        let asked = keys.iter().map(async |key| Ok::<_, Error>((key.clone(), engine.digest(key).await?)));
        let asked = try_join_all(asked);
        scope::while_it_answers(&engine, asked).await
    });
    let images: BTreeMap<String, String> = images
        .map_err(|error| error.hint("the registries must answer: `docker pull` of the image tries it"))?
        .into_iter()
        .collect();
    let lock = ImageLock { schema: ImageLock::SCHEMA, images };
    let edits = edits(&folder, &named, &lock)?;
    let changed = before.as_ref() != Some(&lock);
    if !options.check && !options.dry_run {
        for (file, text) in &edits {
            write::replace(file, text.as_bytes())?;
        }
        if changed {
            write::replace(&folder.join(LOCK), written(&lock).as_bytes())?;
        }
    }
    tell(*ui, options, &lock, before.as_ref(), &edits, &open);
    Ok(u8::from(options.check && (changed || !edits.is_empty())))
}

/// The files that name an image by something else than its locked digest, as they are to be.
fn edits(folder: &Path, named: &[ExternalImage], lock: &ImageLock) -> Result<BTreeMap<PathBuf, String>> {
    let mut files: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let mut edited = BTreeSet::new();
    for one in named {
        let path = folder.join(&one.file);
        if !files.contains_key(&path) {
            let text = read_text(&path, LARGEST)?;
            files.insert(path.clone(), text.split_inclusive('\n').map(str::to_owned).collect());
        }
        let Some(lines) = files.get_mut(&path) else { continue };
        let pinned = lock.pinned(&one.image);
        for line in lines.iter_mut().skip(one.line.saturating_sub(1)).take(LINES) {
            if let Some(changed) = renamed(line, &one.image, &pinned) {
                if changed != *line {
                    *line = changed;
                    edited.insert(path.clone());
                }
                break;
            }
        }
    }
    Ok(files
        .into_iter()
        .filter(|(path, _)| edited.contains(path))
        .map(|(path, lines)| (path, lines.concat()))
        .collect())
}

/// A line with another name where an image is named; none if it names none.
fn renamed(line: &str, image: &str, pinned: &str) -> Option<String> {
    let is_end = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "\"'=,}]".contains(c));
    let (at, _) = line.match_indices(image).find(|(at, _)| {
        let before = line[..*at].chars().next_back();
        let begins = before.is_none_or(|c| c.is_whitespace() || "\"'=/".contains(c));
        begins && is_end(line[at + image.len()..].chars().next())
    })?;
    Some(format!("{}{pinned}{}", &line[..at], &line[at + image.len()..]))
}

/// The lock as a file.
fn written(lock: &ImageLock) -> String {
    let head = "# The digests of external images, by `dockwright pin`. Commit this file.\n";
    let images = lock.images.iter().map(|(image, digest)| format!("\"{image}\" = \"{digest}\"\n"));
    format!("{head}schema = {}\n\n[images]\n{}", lock.schema, images.collect::<String>())
}

fn tell(
    ui: Ui,
    options: &PinArgs,
    lock: &ImageLock,
    before: Option<&ImageLock>,
    edits: &BTreeMap<PathBuf, String>,
    open: &[ExternalImage],
) {
    let known = |image: &String| before.and_then(|before| before.images.get(image));
    if ui.format == Format::Json {
        let files: Vec<_> = edits.keys().map(|path| path.display().to_string()).collect();
        let open: Vec<&str> = open.iter().map(|one| one.image.as_str()).collect();
        let images = &lock.images;
        let written = !options.check && !options.dry_run;
        ui.json(&json!({ "schema": 1, "images": images, "files": files, "unnamed": open, "written": written }));
        return;
    }
    for (image, digest) in &lock.images {
        let mark = match known(image) {
            Some(old) if old == digest => format!("{GREEN}locked{GREEN:#}  "),
            Some(_) => format!("{RED}changed{RED:#} "),
            None => format!("{RED}new{RED:#}     "),
        };
        ui.out(&format!("{mark} {image} {DIM}{digest}{DIM:#}\n"));
    }
    for path in edits.keys() {
        let verb = if options.check || options.dry_run { "does not name the digests" } else { "names the digests now" };
        ui.say(&format!("{} {verb}\n", path.display()));
    }
    for one in open {
        let ImageName { name, .. } = ImageName::of(&one.image);
        ui.note(&format!("{}:{} names {name} by an argument, which cannot be locked", one.file, one.line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_image_s_name_changes() {
        for (line, expected) in [
            ("FROM a:1 AS b", Some("FROM a:1@sha256:2 AS b")),
            ("FROM --platform=x a:1\n", Some("FROM --platform=x a:1@sha256:2\n")),
            ("COPY --from=a:1 /a:1 /b", Some("COPY --from=a:1@sha256:2 /a:1 /b")),
            ("RUN --mount=from=a:1,target=/x y", Some("RUN --mount=from=a:1@sha256:2,target=/x y")),
            ("    image: 'a:1'", Some("    image: 'a:1@sha256:2'")),
            ("FROM aa:1", None),
            ("FROM a:12", None),
        ] {
            assert_eq!(renamed(line, "a:1", "a:1@sha256:2").as_deref(), expected, "{line}");
        }
    }
}
