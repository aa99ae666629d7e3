//! The floors inside of the large modules: the block fenced as `inner-floors` in docs/ARCHITECTURE.md is the one list.

use std::collections::{BTreeMap, BTreeSet};

use super::circles::{Path, graph};
use super::floors::sources;
use super::support::repository;

/// The modules that have floors inside.
const INSIDE: &[&str] = &["compose", "engine", "lab", "verify"];

/// Each file or folder of a module with its floor, from 0; what stands in the block of the page twice comes twice.
fn floors(page: &str) -> BTreeMap<String, Vec<(String, usize)>> {
    let block = page.split_once("```inner-floors\n").and_then(|(_, rest)| rest.split_once("\n```"));
    let (block, _) = block.expect("docs/ARCHITECTURE.md has a block fenced as `inner-floors`");
    let mut modules: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
    for line in block.lines() {
        let (module, names) = line.split_once(": ").unwrap_or_else(|| panic!("not `module: names`: {line}"));
        let names = names.split_whitespace().map(str::to_owned);
        let floors = modules.entry(module.to_owned()).or_default();
        let floor = floors.last().map_or(0, |(_, floor)| floor + 1);
        floors.extend(names.map(|name| (name, floor)));
    }
    modules
}

/// What is wrong with the imports inside of a module by its floors.
fn wrong(module: &str, floors: &[(String, usize)], graph: &BTreeMap<Path, BTreeSet<Path>>) -> Vec<String> {
    let inside =
        |file: &Path| (file.first().is_some_and(|first| first == module)).then(|| file.get(1).cloned()).flatten();
    let there: BTreeSet<String> = graph.keys().filter_map(inside).collect();
    let mut wrong = Vec::new();
    for name in &there {
        match floors.iter().filter(|(listed, _)| listed == name).count() {
            1 => {}
            count => wrong.push(format!("{module}/{name} stands on {count} floors of docs/ARCHITECTURE.md")),
        }
    }
    wrong.extend(
        floors.iter().filter(|(name, _)| !there.contains(name)).map(|(name, _)| format!("there is no {module}/{name}")),
    );
    let floor = |name: &str| floors.iter().find(|(listed, _)| listed == name).map(|(_, floor)| *floor);
    for (from, to) in graph.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        let (Some(own), Some(other)) = (inside(from), inside(to)) else { continue };
        if own != other && floor(&other) >= floor(&own) {
            wrong.push(format!("{} may not import {}, which is on no lower floor", from.join("::"), to.join("::")));
        }
    }
    wrong
}

#[test]
fn imports_inside_of_a_module_go_down() {
    let page = std::fs::read_to_string(repository().join("docs/ARCHITECTURE.md")).unwrap();
    let floors = floors(&page);
    assert_eq!(floors.keys().map(String::as_str).collect::<Vec<_>>(), INSIDE);
    let graph = graph(&sources());
    let wrong: Vec<String> = floors.iter().flat_map(|(module, floors)| wrong(module, floors, &graph)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_to_the_same_floor_would_be_seen() {
    let file = |name: &str| vec!["a".to_owned(), name.to_owned()];
    let graph = |to: &str| {
        let files = ["low", "other", "high"].map(|name| (file(name), BTreeSet::new()));
        let mut graph: BTreeMap<Path, BTreeSet<Path>> = files.into_iter().collect();
        graph.insert([file("low"), vec!["deep".to_owned()]].concat(), BTreeSet::from([file(to)]));
        graph
    };
    let page = "x\n```inner-floors\na: low other\na: high\n```\n";
    let told = |page: &str, to: &str| wrong("a", &floors(page)["a"], &graph(to));
    assert_eq!(told(page, "low"), [""; 0]);
    assert_eq!(told(page, "other"), ["a::low::deep may not import a::other, which is on no lower floor"]);
    assert_eq!(told(page, "high"), ["a::low::deep may not import a::high, which is on no lower floor"]);
    let page = page.replace("other", "gone low");
    assert_eq!(told(&page, "low").len(), 3, "one twice, one missing, one too many");
}
