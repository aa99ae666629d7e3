//! No file of `src/` imports another that imports it, however long the way round is. Re-exports are followed to where a
//! thing is; a module that only hands on what its files have imports none of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use regex::Regex;

use super::floors::{Source, code, sources};

/// A module path or the path of an item, without `crate`.
pub(super) type Path = Vec<String>;

/// An import of a file.
struct Import {
    public: bool,
    path: Path,
}

/// The paths of `a::{b, c::{self, d as e}}`.
fn expand(tree: &str, before: &[String]) -> Vec<Path> {
    let tree = tree.trim();
    let names =
        |text: &str| text.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let Some((first, group)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        let mut own: Path = names(name);
        own.pop_if(|last| last == "self");
        return vec![[before, &own].concat()];
    };
    let before = [before, &names(first)].concat();
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in group.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match (c, parts.last_mut()) {
            (',', _) if depth == 0 => parts.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    parts.iter().filter(|part| !part.trim().is_empty()).flat_map(|part| expand(part, &before)).collect()
}

/// What a file imports, tests aside, as paths from the root; what is not of this crate is left out.
fn imports(source: &Source, files: &BTreeSet<Path>) -> Vec<Import> {
    let uses = Regex::new(r"(?m)^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").unwrap();
    let paths = Regex::new(r"(?:^|[^\w:])((?:crate|super)(?:::\w+)+)").unwrap();
    let text = code(&source.text);
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let own = &source.module;
    let absolute = |path: Path| -> Option<Path> {
        let climbs = path.iter().take_while(|part| *part == "super").count();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([own.as_slice(), &path[1..]].concat()),
            "super" => Some([&own[..own.len().saturating_sub(climbs)], &path[climbs..]].concat()),
            child => files
                .contains(&[own.as_slice(), &[child.to_owned()]].concat())
                .then(|| [own.as_slice(), &path].concat()),
        }
    };
    let named = uses.captures_iter(text).flat_map(|found| {
        let public = found.get(1).is_some();
        expand(&found[2], &[]).into_iter().map(move |path| (public, path))
    });
    let inline = paths.captures_iter(text).map(|found| (false, expand(&found[1], &[]).concat()));
    named.chain(inline).filter_map(|(public, path)| Some(Import { public, path: absolute(path)? })).collect()
}

/// Which files each file imports.
pub(super) fn graph(sources: &[Source]) -> BTreeMap<Path, BTreeSet<Path>> {
    let files: BTreeSet<Path> = sources.iter().map(|source| source.module.clone()).collect();
    let all: BTreeMap<&Path, Vec<Import>> = sources.iter().map(|one| (&one.module, imports(one, &files))).collect();
    let handed_on = |file: &Path, name: &str| {
        let public = all.get(file)?.iter().filter(|import| import.public);
        public.map(|import| &import.path).find(|path| path.last().is_some_and(|last| last == name))
    };
    // The file that an item is in: the longest part of its path that is one, unless that hands it on from another.
    let home = |path: &Path| {
        let mut path = path.clone();
        for _ in 0..10 {
            let length = (1..=path.len()).rev().find(|length| files.contains(&path[..*length]))?;
            let (file, item) = (path[..length].to_vec(), path.get(length));
            match item.and_then(|name| handed_on(&file, name)) {
                Some(on) if *on != path => path = [on.as_slice(), &path[length + 1..]].concat(),
                _ => return Some(file),
            }
        }
        None
    };
    let edges = all.iter().map(|(own, imports)| {
        let other = |import: &Import| {
            let file = home(&import.path)?;
            let hands_on = import.public && file.starts_with(own);
            (file != **own && !hands_on).then_some(file)
        };
        ((*own).clone(), imports.iter().filter_map(other).collect())
    });
    edges.collect()
}

/// The shortest way from a file back to it.
fn circle(graph: &BTreeMap<Path, BTreeSet<Path>>, start: &Path) -> Option<Vec<Path>> {
    let mut came: BTreeMap<&Path, &Path> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for next in graph.get(at).into_iter().flatten() {
            if next == start {
                let mut way = vec![start.clone()];
                let mut back = at;
                while back != start {
                    way.push(back.clone());
                    back = came[back];
                }
                way.push(start.clone());
                way.reverse();
                return Some(way);
            }
            if !came.contains_key(next) {
                came.insert(next, at);
                open.push_back(next);
            }
        }
    }
    None
}

/// The shortest circles, each once.
fn circles(sources: &[Source]) -> Vec<Vec<Path>> {
    let graph = graph(sources);
    let mut seen: BTreeSet<BTreeSet<Path>> = BTreeSet::new();
    let found = graph.keys().filter_map(|file| circle(&graph, file));
    found.filter(|way| seen.insert(way.iter().cloned().collect())).collect()
}

#[test]
fn no_files_import_each_other() {
    let found = circles(&sources());
    let told = |way: &Vec<Path>| way.iter().map(|file| file.join("::")).collect::<Vec<_>>().join(" → ");
    let new: Vec<String> = found.iter().map(told).collect();
    assert!(new.is_empty(), "files import each other:\n{}", new.join("\n"));
}

#[test]
fn a_circle_is_seen_through_groups_and_re_exports() {
    let source = |module: &[&str], text: &str| Source {
        path: std::path::PathBuf::new(),
        module: module.iter().map(ToString::to_string).collect(),
        text: text.into(),
    };
    let files = |last: &str| {
        vec![
            source(&["a"], "mod b;\nmod c;\npub use b::{B, Other as Name};\npub(crate) use c::C;\n"),
            source(&["a", "b"], "use std::fmt;\nuse super::c::{self, inner::{C}};\n"),
            source(&["a", "c"], last),
            source(&["d"], "use crate::a::{B, C};\n"),
        ]
    };
    let told = |last: &str| {
        let found = circles(&files(last));
        found.iter().map(|way| way.iter().map(|file| file.join("::")).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    for upwards in ["use crate::a::B;", "use super::{B};", "fn f() { crate::a::b::g() }", "use super::b as x;"] {
        assert_eq!(told(upwards), ["a::b a::c a::b"], "{upwards}");
    }
    assert_eq!(told("use crate::d::D;"), ["a::b a::c d a::b", "a::c d a::c"]);
    for other in ["// crate::a::B", "use crate::e::B;", "#[cfg(test)]\nmod tests { use crate::a::B; }"] {
        assert!(told(other).is_empty(), "{other}");
    }
}
