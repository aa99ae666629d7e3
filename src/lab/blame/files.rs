//! Files of images: what copies, makes or gives them away.

use std::path::PathBuf;

use super::settings::{needed, variable};
use crate::dockerfile::{Copy, Instruction, InstructionKind, Rebuilt, RunInstruction, RunMount};
use crate::engine::Ignore;
use crate::lab::change::Change;
use crate::subject::Target;
use crate::text::{Place, join, read_text};

/// The line of the ignore file that lets a path in again, against one before it that leaves it out.
pub(crate) fn keeping(target: &Target, path: &str) -> Option<Place> {
    let file = rules_of(target)?;
    let text = read_text(&file, 1 << 20).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let ignored = |upto: usize| Ignore::parse(&lines[..upto].join("\n")).is_ok_and(|ignore| ignore.is_ignored(path));
    let line = (1..=lines.len()).rev().find(|line| ignored(line - 1) && !ignored(*line))?;
    Some(Place::new(file, line))
}

/// The file of rules that the build context is read with: the Dockerfile's own comes before that of the context.
fn rules_of(target: &Target) -> Option<PathBuf> {
    let mut own = target.context.join(&target.dockerfile.file).into_os_string();
    own.push(".dockerignore");
    [PathBuf::from(own), target.context.join(".dockerignore")].into_iter().find(|file| file.is_file())
}

/// The name of that file for a hint; `.dockerignore` where there is none.
pub(crate) fn ignore_file(target: &Target) -> String {
    let name = rules_of(target).and_then(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
    name.unwrap_or_else(|| ".dockerignore".to_owned())
}

/// The first instruction of the stage itself that makes a layer.
pub(crate) fn layer(target: &Target) -> Option<Place> {
    let stage = &target.dockerfile.stages[target.stage];
    let changes = |kind: &InstructionKind| {
        matches!(
            kind,
            InstructionKind::Run(_) | InstructionKind::Copy(_) | InstructionKind::Add(_) | InstructionKind::Workdir(_)
        )
    };
    stage.instructions.iter().find(|one| changes(&one.kind)).map(|one| target.place(one.line))
}

/// The COPY or ADD on the way to a stage that brings a file of the context, if one names it or a folder above it.
pub(crate) fn copy(target: &Target, source: &str) -> Option<Place> {
    let dockerfile = &target.dockerfile;
    let chain = dockerfile.ancestry(target.stage);
    let instructions = chain.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let mut copies = instructions.filter_map(|instruction| match &instruction.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => Some((instruction.line, copy)),
        _ => None,
    });
    // What takes this very file, be it by a mount that a RUN copies from, is named before what may bring anything.
    let mut all = chain.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let takes = |one: &&Instruction| match &one.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => covers(copy, source),
        InstructionKind::Run(run) => {
            mounts(run, source)
                && ["cp ", "install ", "rsync ", "tar ", "mv "].iter().any(|word| one.text.contains(word))
        }
        _ => false,
    };
    if let Some(one) = all.find(takes) {
        return Some(target.place(one.line));
    }
    let names = |from: &str| {
        let from = from.trim_start_matches("./").trim_end_matches('/');
        from.is_empty() || from == "." || source.starts_with(from) || from.contains('*')
    };
    let found = copies.find(|(_, copy)| copy.from.is_some() || copy.sources.iter().any(|from| names(from)));
    found.map(|(line, _)| target.place(line))
}

/// The instruction that takes a path out of the context, on the way to a target's stage.
pub(crate) fn bringing(target: &Target, path: &str) -> Option<Place> {
    let dockerfile = &target.dockerfile;
    let stages = dockerfile.closure(target.stage);
    let mut instructions = stages.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let takes = |kind: &InstructionKind| match kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => covers(copy, path),
        InstructionKind::Run(run) => mounts(run, path),
        _ => false,
    };
    instructions.find(|one| takes(&one.kind)).map(|one| target.place(one.line))
}

/// Whether a RUN has a file of the context by a mount.
fn mounts(run: &RunInstruction, path: &str) -> bool {
    let binds = |mount: &RunMount| {
        mount.kind == "bind" && mount.from.is_none() && fits(mount.source.as_deref().unwrap_or("."), path)
    };
    run.mounts.iter().any(binds)
}

fn covers(copy: &Copy, path: &str) -> bool {
    copy.from.is_none()
        && copy.sources.iter().any(|source| fits(source, path))
        && !copy.exclude.iter().any(|pattern| fits(pattern, path))
}

/// Whether a source of COPY is a path, or a folder above it.
fn fits(source: &str, path: &str) -> bool {
    let parts = |text: &str| {
        let path = join("/", text);
        path.split('/').filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let (source, path) = (parts(source), parts(path));
    source.len() <= path.len()
        && source.iter().zip(&path).all(|(pattern, name)| {
            pattern == name || globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name))
        })
}

/// What brings a file of the context: by its name, with its folder, or with all the others; else that of
/// the variable. `files` are those of the context that hold a word.
pub(crate) fn copy_of(target: &Target, path: &str, name_of_variable: &str, files: &[String]) -> Place {
    let copies: Vec<(usize, &str)> = needed(target)
        .into_iter()
        .filter_map(|one| match &one.kind {
            InstructionKind::Copy(copy) | InstructionKind::Add(copy) if copy.from.is_none() => Some((one.line, copy)),
            _ => None,
        })
        .flat_map(|(line, copy): (usize, &Copy)| copy.sources.iter().map(move |source| (line, plain(source))))
        .collect();
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_whole = |source: &str| matches!(source, "." | "*" | "");
    let by_name = copies.iter().find(|(_, source)| {
        let last = source.rsplit('/').next().unwrap_or(source);
        !is_whole(source)
            && (last == name || globset::Glob::new(last).is_ok_and(|glob| glob.compile_matcher().is_match(name)))
    });
    // A folder is copied by what is in it.
    let meant = files.iter().filter(|file| file.rsplit('/').next() == Some(name));
    let folders: Vec<&str> = meant.filter_map(|file| file.rsplit_once('/').map(|(folder, _)| folder)).collect();
    let by_folder = copies.iter().find(|(_, source)| {
        let inside = |folder: &&str| *folder == *source || folder.starts_with(&format!("{source}/"));
        !is_whole(source) && folders.iter().any(inside)
    });
    let whole = copies.iter().find(|(_, source)| is_whole(source));
    let named = !name_of_variable.is_empty();
    let setting = if named { variable(target, name_of_variable) } else { target.place(target.line()) };
    match (by_name.or(by_folder), whole) {
        (Some((line, _)), _) => target.place(*line),
        (None, Some((line, _))) if setting.line == target.line() => target.place(*line),
        _ => setting,
    }
}

fn plain(source: &str) -> &str {
    let source = source.trim_end_matches('/').trim_end_matches("/.");
    source.trim_start_matches("./")
}

/// The copy that puts a path of the image there: of those whose destinations are above it the innermost, which was meant.
pub(crate) fn copied_to(target: &Target, path: &str, workdir: &str) -> Option<Place> {
    let copies = target.instructions().filter_map(|one| match &one.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => Some((one.line, join(workdir, &copy.dest))),
        _ => None,
    });
    let above = copies.filter(|(_, dest)| std::path::Path::new(path).starts_with(dest));
    let innermost = above.max_by_key(|(_, dest)| dest.trim_end_matches('/').len());
    innermost.map(|(line, _)| target.place(line))
}

/// What gives a path to the user: the last that changes owners or modes there, else the last that copies it.
pub(crate) fn giving(target: &Target, path: &str, workdir: &str) -> Place {
    let dockerfile = &target.dockerfile;
    let chain = dockerfile.ancestry(target.stage);
    let instructions: Vec<_> =
        chain.iter().flat_map(|stage| dockerfile.stages[*stage].instructions.iter().rev()).collect();
    let covers = |copy: &Copy| {
        let dest = join(workdir, &copy.dest);
        let dest = dest.trim_end_matches('/');
        path.starts_with(dest) || dest.starts_with(path)
    };
    let changes = instructions.iter().find(|one| match &one.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
            (copy.chown.is_some() || copy.chmod.is_some()) && covers(copy)
        }
        InstructionKind::Run(_) => {
            let gives = ["chmod", "chown", "chgrp", "install -"].iter().any(|word| one.text.contains(word));
            let mut parts = path.split('/').filter(|part| part.len() > 2);
            gives && (one.text.contains(" .") || parts.any(|part| one.text.contains(part)))
        }
        _ => false,
    });
    let copies = || {
        instructions
            .iter()
            .find(|one| matches!(&one.kind, InstructionKind::Copy(copy) | InstructionKind::Add(copy) if covers(copy)))
    };
    target.place(changes.or_else(copies).map_or(target.line(), |one| one.line))
}

/// What makes the first file that changed: the line names the file, or it says what makes it differ; else the first RUN that has
/// the source.
pub(crate) fn making(target: &Target, changes: &[Change], rebuilt: &Rebuilt, tells: &dyn Fn(&str) -> bool) -> Place {
    let dockerfile = &target.dockerfile;
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let text = |line: &usize| lines.get(line - 1).copied().unwrap_or_default();
    let chain = dockerfile.chain(target.stage);
    let instructions = chain
        .iter()
        .rev()
        .map(|(_, one)| one)
        .filter(|one| matches!(one.kind, InstructionKind::Run(_)) || rebuilt.runs.contains(&one.line));
    let all: Vec<usize> = instructions.flat_map(|one| one.line..=one.end_line).collect();
    let path = changes.first().map(|change| change.path.as_str()).unwrap_or_default();
    let name = path.rsplit('/').next().filter(|name| name.len() > 3);
    let naming = name.and_then(|name| all.iter().find(|line| text(line).contains(name) && tells(text(line))));
    let telling = || all.iter().find(|line| tells(text(line)));
    let named = || name.and_then(|name| all.iter().find(|line| text(line).contains(name)));
    let found = naming.or_else(telling).or_else(named).or(rebuilt.runs.first());
    target.place(found.copied().unwrap_or(target.line()))
}

/// What takes files of the context in: a line that names their folder, else that which takes in the source.
pub(crate) fn taking(target: &Target, files: &[String]) -> Place {
    let dockerfile = &target.dockerfile;
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let folder = files.first().and_then(|path| path.split('/').next()).unwrap_or_default();
    let named = |line: &usize| lines.get(line - 1).is_some_and(|text| names_folder(text, folder));
    let chain = dockerfile.chain(target.stage);
    let takes = chain.iter().rev().map(|(_, one)| one);
    let takes = takes
        .filter(|one| matches!(one.kind, InstructionKind::Copy(_) | InstructionKind::Add(_) | InstructionKind::Run(_)));
    let naming = takes.flat_map(|one| one.line..=one.end_line).find(named);
    let cut = dockerfile.truncated_before_source(target.stage).cut;
    target.place(naming.or(cut).unwrap_or(target.line()))
}

/// Whether a line names a folder of the working directory: not one of that name elsewhere.
fn names_folder(text: &str, folder: &str) -> bool {
    text.match_indices(folder).any(|(at, _)| {
        let before = text[..at].strip_suffix("./").unwrap_or(&text[..at]);
        let after = text[at + folder.len()..].chars().next();
        !before.ends_with(|c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c))
            && !after.is_some_and(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_from_one_of_its_name_elsewhere() {
        for line in ["COPY dist/ /out/", "if [ -d dist ]; then", "cp -r ./dist /out", "cp \"dist\" x"] {
            assert!(names_folder(line, "dist"), "{line}");
        }
        for line in ["--wheel-dir /tmp/dist .", "--outDir /out/dist", "apt-get dist-upgrade", "distribution"] {
            assert!(!names_folder(line, "dist"), "{line}");
        }
    }

    #[test]
    fn a_source_covers_what_is_in_it() {
        for (source, path, expected) in [
            (".", ".git/description", true),
            ("./", ".env", true),
            (".env*", ".env.production", true),
            ("src/", "src/.env", true),
            ("src", ".env", false),
            ("*", ".env", true),
            ("a/b", "a", false),
        ] {
            assert_eq!(fits(source, path), expected, "{source} {path}");
        }
    }
}
