//! The embedded data: `templates/detect/`.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use super::rules::{Books, Shared};

static FOLDER: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/detect");

/// The file that is no stack's.
const SHARED: &str = "shared.toml";

static BOOKS: LazyLock<Books> = LazyLock::new(|| {
    let files = FOLDER.files().filter(|file| !file.path().ends_with(SHARED));
    let mut books: Books = files
        .filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?)))
        .map(|(name, text)| (name, toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))))
        .collect();
    books.sort_by(|_, one, _, other| one.order.cmp(&other.order));
    books
});

static COMMON: LazyLock<Shared> = LazyLock::new(|| {
    let text = FOLDER.get_file(SHARED).and_then(include_dir::File::contents_utf8).unwrap_or_default();
    toml::from_str(text).unwrap_or_else(|error| panic!("{SHARED}: {error}"))
});

/// Each stack's data; a test reads it.
pub(super) fn books() -> &'static Books {
    &BOOKS
}

/// What holds for all stacks.
pub(super) fn shared() -> &'static Shared {
    &COMMON
}

#[cfg(test)]
mod tests {
    use super::super::rules::{CommandRules, Probe, Rule};
    use super::*;

    fn rules() -> impl Iterator<Item = (&'static str, &'static Rule)> {
        let own = books().iter().flat_map(|(name, book)| book.rules.iter().map(move |rule| (*name, rule)));
        own.chain(shared().rules.iter().chain(&shared().late).map(|rule| ("shared", rule)))
    }

    #[test]
    fn every_expression_and_every_glob_of_the_data_compiles() {
        let commands = books().values().map(|book| &book.commands).chain([&shared().commands]);
        commands.flat_map(CommandRules::patterns).for_each(|pattern| assert!(!pattern.get().as_str().is_empty()));
        for (name, rule) in rules() {
            for pattern in rule.prefer.iter().chain(&rule.avoid) {
                pattern.get();
            }
            for Probe { file, re, dep, .. } in rule.probes() {
                [re, dep].into_iter().flatten().for_each(|pattern| assert!(!pattern.get().as_str().is_empty()));
                if let Some(file) = file {
                    assert!(!super::super::globs::globs(file).is_empty(), "{name}: {file}");
                }
            }
        }
        books()
            .values()
            .flat_map(|book| book.never.values())
            .for_each(|pattern| assert!(!pattern.get().as_str().is_empty()));
        for list in books().values().flat_map(|book| &book.deps) {
            list.re.iter().for_each(|pattern| assert!(!pattern.get().as_str().is_empty()));
            assert!(!super::super::globs::globs(&list.file).is_empty(), "{}", list.file);
        }
    }

    #[test]
    fn every_rule_says_a_field_and_looks_at_one_thing() {
        for (name, rule) in rules() {
            let known = shared().order.contains(&rule.says);
            assert!(known, "{name}: {} is no field", rule.says);
            for probe in rule.probes() {
                let looks = [probe.file.is_some(), probe.doc.is_some(), probe.dep.is_some(), probe.is.is_some()];
                assert_eq!(looks.iter().filter(|one| **one).count(), 1, "{name}: {probe:?}");
                assert!(probe.doc.iter().all(|doc| shared().documents.contains_key(doc)), "{name}: {probe:?}");
                assert!(probe.is.iter().all(|field| shared().order.contains(field)), "{name}: {probe:?}");
            }
            assert!(rule.see.dep.is_none() || rule.see.at.is_none(), "{name}: a dependency has no path");
        }
    }

    #[test]
    fn every_stack_with_roles_is_detected_and_every_stack_has_a_rule_for_itself() {
        for stack in crate::stacks::NAMES.iter() {
            assert!(books().contains_key(stack), "templates/detect/{stack}.toml is missing");
        }
        for (name, book) in books() {
            assert!(book.rules.iter().any(|rule| rule.says == "stack") && !book.title.is_empty(), "{name}");
        }
    }
}
