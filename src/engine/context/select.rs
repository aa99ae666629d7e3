//! Which files of a context `BuildKit` asks for: its patterns, applied as its own client does.

use std::collections::{BTreeSet, HashMap};

use super::ignore::Matched;
use super::pattern;
use super::{ContextFile, Ignore};
use crate::engine::entry::EntryKind;

/// What a request asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::engine) struct Selection {
    /// Only what fits one of these; all if there is none.
    pub include: Vec<String>,
    /// Nothing that fits these, in the words of an ignore file.
    pub exclude: Vec<String>,
    /// Also these, and what links on their way lead to.
    pub follow: Vec<String>,
}

/// The indices of the files asked for, in order, each folder on the way to one before it.
pub(in crate::engine) fn select(files: &[ContextFile], selection: &Selection) -> Result<Vec<usize>, String> {
    let mut include = selection.include.clone();
    if !selection.follow.is_empty() {
        include.extend(follow(files, &selection.follow));
        include = without_inner(include);
    }
    let include =
        if include.is_empty() { None } else { Some(Ignore::from_patterns(include.iter().map(String::as_str))?) };
    let exclude = Ignore::from_patterns(selection.exclude.iter().map(String::as_str))?;
    if include.is_none() && exclude.is_empty() {
        return Ok((0..files.len()).collect());
    }
    let mut chosen = Vec::new();
    // The folders above the file at hand: index, whether chosen already, and what matched them.
    let mut above: Vec<(usize, bool, Matched, Matched)> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        while above.last().is_some_and(|(folder, ..)| !is_inside(&file.path, &files[*folder].path)) {
            above.pop();
        }
        let (none, ()) = (Matched::default(), ());
        let (included_above, excluded_above) =
            above.last().map_or((&none, &none), |(_, _, included, excluded)| (included, excluded));
        let (included, include_match) = match &include {
            Some(include) => include.matches(&file.path, included_above),
            None => (true, Matched::default()),
        };
        let (excluded, exclude_match) = exclude.matches(&file.path, excluded_above);
        let taken = included && !excluded;
        if taken {
            for (folder, chosen_already, ..) in &mut above {
                if !std::mem::replace(chosen_already, true) {
                    chosen.push(*folder);
                }
            }
            chosen.push(index);
        }
        if file.kind == EntryKind::Directory {
            above.push((index, taken, include_match, exclude_match));
        }
    }
    Ok(chosen)
}

fn is_inside(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The paths, and every link on their way with what it leads to; empty for everything.
fn follow(files: &[ContextFile], paths: &[String]) -> Vec<String> {
    let by_path: HashMap<&str, &ContextFile> = files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut found = BTreeSet::new();
    let mut waiting: Vec<String> = paths.to_vec();
    while let Some(path) = waiting.pop() {
        let path = pattern::clean(path.trim_start_matches('/'));
        let mut current = String::new();
        let mut rest = path.as_str();
        loop {
            let (part, after) = rest.split_once('/').unwrap_or((rest, ""));
            current = if current.is_empty() { part.to_owned() } else { format!("{current}/{part}") };
            let targets = links(&by_path, files, &current);
            if targets.is_empty() {
                if after.is_empty() {
                    found.insert(current);
                    break;
                }
                rest = after;
                continue;
            }
            // A link seen before leads nowhere new, and a circle nowhere at all.
            if found.insert(current.clone()) {
                waiting.extend(targets.into_iter().map(|target| format!("{target}/{after}")));
            }
            break;
        }
    }
    without_inner(found.into_iter().collect())
}

/// Where a path leads if it is a link; for a pattern, where all that fit it lead.
fn links(by_path: &HashMap<&str, &ContextFile>, files: &[ContextFile], path: &str) -> Vec<String> {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let target = |file: &ContextFile| {
        let link = file.link.as_deref()?;
        Some(if link.starts_with('/') { pattern::clean(link) } else { pattern::clean(&format!("/{folder}/{link}")) })
    };
    if name.contains(['*', '?', '[']) {
        let inside = |file: &&ContextFile| {
            let (at, own) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
            at == folder && file.kind == EntryKind::Symlink && pattern::fits_name(name, own)
        };
        return files.iter().filter(inside).filter_map(target).collect();
    }
    by_path.get(path).and_then(|file| target(file)).into_iter().collect()
}

/// Without paths inside others; empty, which means everything, as soon as one is the root.
fn without_inner(mut paths: Vec<String>) -> Vec<String> {
    paths.sort();
    paths.dedup();
    if paths.iter().any(|path| path == "." || path == "/") {
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::new();
    for path in paths {
        if !kept.last().is_some_and(|last| is_inside(&path, last)) {
            kept.push(path);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::BuildContext;

    fn names(context: &BuildContext, selection: &Selection) -> Vec<String> {
        let files = context.files().unwrap();
        select(&files, selection).unwrap().into_iter().map(|index| files[index].path.clone()).collect()
    }

    fn tree() -> BuildContext {
        BuildContext::empty()
            .with_file("a/b/c", "1", 0o644)
            .with_file("a/d", "2", 0o644)
            .with_file("a-b", "3", 0o644)
            .with_file("real/x", "4", 0o644)
            .with_symlink("link", "real")
            .with_symlink("loop", "loop")
    }

    #[test]
    fn all_files_come_folder_by_folder() {
        let all = names(&tree(), &Selection::default());
        assert_eq!(all, ["a", "a/b", "a/b/c", "a/d", "a-b", "link", "loop", "real", "real/x"]);
    }

    #[test]
    fn folders_come_with_what_is_in_them() {
        let selection = Selection { include: vec!["a/b".into()], ..Default::default() };
        assert_eq!(names(&tree(), &selection), ["a", "a/b", "a/b/c"]);
        let selection = Selection { include: vec!["**/c".into()], ..Default::default() };
        assert_eq!(names(&tree(), &selection), ["a", "a/b", "a/b/c"]);
        let selection =
            Selection { exclude: vec!["a".into(), "!a/d".into(), "l*".into(), "real".into()], ..Default::default() };
        assert_eq!(names(&tree(), &selection), ["a", "a/d", "a-b"]);
    }

    #[test]
    fn links_are_followed() {
        let selection = Selection { follow: vec!["link/x".into()], ..Default::default() };
        assert_eq!(names(&tree(), &selection), ["link", "real", "real/x"]);
        let selection = Selection { follow: vec!["l*".into()], ..Default::default() };
        assert_eq!(names(&tree(), &selection), ["link", "loop", "real", "real/x"]);
        let selection = Selection { follow: vec!["a-b".into(), "/".into()], ..Default::default() };
        assert_eq!(names(&tree(), &selection).len(), 9);
    }
}
