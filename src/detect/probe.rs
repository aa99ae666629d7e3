//! What a probe sees.

use super::rules::{DependencyKind, Probe};
use super::scope::ServiceScope;
use super::tree::folder_of;

/// So many places are noticed for one rule.
const MOST: usize = 60;

/// Something seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    /// What was captured: the first group that took part, the whole match, or the value.
    pub(super) value: String,
    /// All groups, `0` the whole.
    pub(super) groups: Vec<String>,
    /// The file, relative to the repository.
    pub(super) file: String,
    /// The line, from 1.
    pub(super) line: usize,
    /// How sure the field is that it was seen in.
    pub(super) band: Option<super::rules::Band>,
}

impl ServiceScope<'_> {
    /// Whether a probe sees anything; `here` is the file of the rule's own sight.
    pub(super) fn holds(&self, probe: &Probe, here: &str) -> bool {
        !self.look(probe, Some(here).filter(|_| probe.here)).is_empty()
    }

    /// All that a probe sees; `only` in one file, if that is named.
    pub(super) fn look(&self, probe: &Probe, only: Option<&str>) -> Vec<Sight> {
        let mut sights = Vec::new();
        if let Some(name) = &probe.dep {
            self.look_at_dependencies(probe, name.get(), &mut sights);
        } else if let Some(field) = &probe.is {
            let most = if super::LISTS.contains(&field.as_str()) { MOST } else { 1 };
            for claim in self.settled.get(field).into_iter().flatten().take(most) {
                read(probe, &claim.value, &claim.file, claim.line, &mut sights);
                for sight in &mut sights {
                    sight.band = Some(claim.band);
                }
            }
        } else if let Some(purpose) = &probe.doc {
            let documents = self.documents(purpose).iter();
            for (file, datum) in documents.filter(|(file, _)| only.is_none_or(|only| only == self.tree.path(*file))) {
                self.look_into(probe, *file, Some(datum), &mut sights);
            }
        } else if let Some(glob) = &probe.file {
            for file in self.files(glob) {
                if only.is_some_and(|only| only != self.tree.path(file)) {
                    continue;
                }
                self.look_into(probe, file, None, &mut sights);
                if sights.len() > MOST {
                    break;
                }
            }
        }
        if probe.exists {
            sights.retain(|sight| self.tree.find(&self.outer(&sight.value)).is_some());
        }
        sights
    }

    fn look_at_dependencies(&self, probe: &Probe, name: &regex::Regex, sights: &mut Vec<Sight>) {
        for one in self.dependencies() {
            let of_kind = probe.kind == DependencyKind::Any || one.kind == probe.kind;
            let Some(captures) = name.captures(&one.name).filter(|_| of_kind) else { continue };
            let groups: Vec<String> =
                captures.iter().map(|group| group.map_or("", |group| group.as_str()).to_owned()).collect();
            let value = groups[1..].iter().find(|group| !group.is_empty()).unwrap_or(&one.name).clone();
            sights.push(Sight { value, groups, file: self.tree.path(one.file).to_owned(), line: one.line, band: None });
        }
    }

    fn look_into(&self, probe: &Probe, file: usize, document: Option<&super::datum::Datum>, sights: &mut Vec<Sight>) {
        let path = self.tree.path(file);
        match (&probe.at, &probe.re) {
            (Some(at), _) => {
                let read_now = if document.is_none() { self.tree.datum(file) } else { None };
                let Some(datum) = document.or(read_now.as_deref()) else { return };
                for (key, value) in datum.at(at) {
                    if let Some(text) = if probe.keys { Some(key) } else { value.text.as_deref() } {
                        read(probe, text, path, value.line, sights);
                    } else if probe.re.is_none() {
                        // A table or a list is there.
                        sights.push(Sight {
                            value: key.to_owned(),
                            groups: vec![key.to_owned()],
                            file: path.to_owned(),
                            line: value.line,
                            band: None,
                        });
                    }
                }
            }
            (None, Some(re)) => {
                let deep = probe.file.as_deref().is_some_and(|glob| glob.contains("**"));
                let text = if deep { self.tree.source(file) } else { self.tree.text(file) };
                let Some(text) = text else { return };
                for captures in re.get().captures_iter(&text).take(if deep { 4 } else { MOST }) {
                    let start =
                        captures.iter().skip(1).flatten().next().or(captures.get(0)).map_or(0, |group| group.start());
                    let groups: Vec<String> =
                        captures.iter().map(|group| group.map_or("", |group| group.as_str()).to_owned()).collect();
                    let value = groups[1..].iter().find(|group| !group.is_empty()).unwrap_or(&groups[0]).clone();
                    let line = crate::text::line_of(&text.as_bytes()[..start]);
                    sights.push(Sight { value, groups, file: path.to_owned(), line, band: None });
                }
            }
            (None, None) => {
                let value = self.inner(path).to_owned();
                sights.push(Sight { groups: vec![value.clone()], value, file: path.to_owned(), line: 1, band: None });
            }
        }
    }

    /// A value with its placeholders filled; none if one of them stands for nothing.
    pub(super) fn filled(&self, template: &str, sight: &Sight) -> Option<String> {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('@') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('@').filter(|(name, _)| is_placeholder(name)) else {
                out.push('@');
                rest = after;
                continue;
            };
            out.push_str(&self.placeholder(name, sight)?);
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }

    fn placeholder(&self, name: &str, sight: &Sight) -> Option<String> {
        if let Ok(group) = name.parse::<usize>() {
            return sight.groups.get(group).cloned();
        }
        let (name, argument) = name.split_once(':').map_or((name, None), |(name, argument)| (name, Some(argument)));
        let path = self.inner(&sight.file);
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        Some(match name {
            "file" => path.to_owned(),
            "dir" => folder(folder_of(path)),
            "at" => folder(folder_of(&sight.file)),
            "path" => sight.file.clone(),
            "stem" => stem.rsplit('/').next().unwrap_or(stem).to_owned(),
            "parent" => folder_of(path).rsplit('/').next().unwrap_or_default().to_owned(),
            "module" => {
                let stem = argument.and_then(|folder| super::scope::within(folder, stem)).unwrap_or(stem);
                // A package's own file stands for the package.
                let package = stem.rsplit_once('/').filter(|(_, name)| name.starts_with("__"));
                let stem = package.map_or(stem, |(package, _)| package);
                stem.replace('/', ".")
            }
            field => match (self.value(field), argument) {
                (Some(value), _) => value.to_owned(),
                (None, Some(default)) => default.to_owned(),
                (None, None) => return None,
            },
        })
    }
}

fn is_placeholder(name: &str) -> bool {
    !name.is_empty() && name.len() < 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_:./".contains(c))
}

fn folder(path: &str) -> String {
    if path.is_empty() { ".".to_owned() } else { path.to_owned() }
}

/// Adds what a text says to a probe.
fn read(probe: &Probe, text: &str, file: &str, line: usize, sights: &mut Vec<Sight>) {
    let (value, groups) = match &probe.re {
        None => (text.to_owned(), vec![text.to_owned()]),
        Some(re) => {
            let Some(captures) = re.get().captures(text) else { return };
            let groups: Vec<String> =
                captures.iter().map(|group| group.map_or("", |group| group.as_str()).to_owned()).collect();
            let value = groups[1..].iter().find(|group| !group.is_empty()).unwrap_or(&groups[0]).clone();
            (value, groups)
        }
    };
    sights.push(Sight { value, groups, file: file.to_owned(), line, band: None });
}
