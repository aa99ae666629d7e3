//! TOML whose values remember where they come from: what the layers of a stack are merged as.

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use toml::de::{DeTable, DeValue};

use super::origin::{Origin, OriginLayer};
use crate::error::{Error, Location, Result};

/// Lists that a layer adds to; any other value takes the place of what a lower layer says.
const ADDED: &[&str] =
    &["carries", "ignore", "install", "libraries", "manifests", "outputs", "packages", "reserved", "scripts"];

/// A table of a document, in the order of its file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table(IndexMap<String, OriginValue>);

/// A value and where it is said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OriginValue {
    content: Content,
    /// One but for a list that several layers add to; a table's is where it begins.
    origins: Vec<Origin>,
}

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Table(Table),
    Leaf(toml::Value),
}

impl Table {
    /// Reads a document, which errors and origins call `file`.
    ///
    /// # Errors
    /// What is not TOML, with its line.
    pub fn parse(text: &str, layer: &OriginLayer, file: &str) -> Result<Self> {
        let lines: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let line = |offset: usize| lines.partition_point(|end| *end < offset) + 1;
        let broken = |error: toml::de::Error| {
            let place = Location {
                file: Path::new(file).to_owned(),
                line: error.span().map(|span| line(span.start)),
                column: None,
                text: None,
            };
            Error::description(error.message().to_owned()).at(place)
        };
        let places = DeTable::parse(text).map_err(broken)?;
        let values: toml::Table = text.parse().map_err(broken)?;
        let file: Arc<str> = file.into();
        let origin = |offset| Origin { layer: layer.clone(), file: Arc::clone(&file), line: line(offset) };
        Ok(Self::placed(values, places.get_ref(), &origin))
    }

    fn placed(mut values: toml::Table, places: &DeTable<'_>, origin: &impl Fn(usize) -> Origin) -> Self {
        let entries = places.iter().filter_map(|(key, place)| {
            let content = match (values.remove(key.get_ref().as_ref())?, place.get_ref()) {
                (toml::Value::Table(inner), DeValue::Table(places)) => {
                    Content::Table(Self::placed(inner, places, origin))
                }
                (value, _) => Content::Leaf(value),
            };
            Some((key.get_ref().to_string(), OriginValue { content, origins: vec![origin(key.span().start)] }))
        });
        Self(entries.collect())
    }

    /// Puts another table over this one: tables are merged, the lists of `ADDED` are joined, all else is replaced.
    pub fn merge(&mut self, over: Self) {
        for (key, value) in over.0 {
            match self.0.get_mut(&key) {
                Some(old) => old.merge(value, &key),
                None => drop(self.0.insert(key, value)),
            }
        }
    }

    /// Takes the table of this name out.
    pub(super) fn take_table(&mut self, key: &str) -> Option<Self> {
        match self.0.shift_remove(key)?.content {
            Content::Table(table) => Some(table),
            Content::Leaf(_) => None,
        }
    }

    /// Takes out what has this name.
    pub(super) fn remove(&mut self, key: &str) {
        self.0.shift_remove(key);
    }

    /// Takes the text of this name out.
    pub(super) fn take_text(&mut self, key: &str) -> Option<String> {
        match self.0.shift_remove(key)?.content {
            Content::Leaf(toml::Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The text at a path (`a.b`).
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        match &self.at(path)?.content {
            Content::Leaf(toml::Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The list of texts of this name; empty where there is none.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let items = self.0.get(key).and_then(|value| match &value.content {
            Content::Leaf(leaf) => leaf.as_array(),
            Content::Table(_) => None,
        });
        items.into_iter().flatten().filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
    }

    /// The names in it.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Moves what stands at `from` (`a.b`) to `to`, in a document that holds nothing else.
    #[must_use]
    pub fn moved(&self, from: &str, to: &str) -> Self {
        let Some(mut value) = self.at(from).cloned() else { return Self::default() };
        for key in to.split('.').rev() {
            let origins = value.origins.clone();
            value = OriginValue { content: Content::Table(Self(IndexMap::from([(key.to_owned(), value)]))), origins };
        }
        match value.content {
            Content::Table(table) => table,
            Content::Leaf(_) => Self::default(),
        }
    }

    /// Each text in the table at `path` becomes a table of one `key`, which holds it.
    pub fn wrap_texts(&mut self, path: &str, key: &str) {
        let Some(OriginValue { content: Content::Table(table), .. }) = self.at_mut(path) else { return };
        for value in table.0.values_mut().filter(|value| matches!(value.content, Content::Leaf(_))) {
            let inner = Self(IndexMap::from([(key.to_owned(), value.clone())]));
            value.content = Content::Table(inner);
        }
    }

    /// Says that all of it is another layer's.
    pub(super) fn relabel(&mut self, layer: &OriginLayer) {
        for value in self.0.values_mut() {
            value.origins.iter_mut().for_each(|origin| origin.layer = layer.clone());
            if let Content::Table(table) = &mut value.content {
                table.relabel(layer);
            }
        }
    }

    /// Changes every text below, keys aside.
    pub(super) fn fill(&mut self, change: &impl Fn(&str) -> String) {
        for value in self.0.values_mut() {
            match &mut value.content {
                Content::Table(table) => table.fill(change),
                Content::Leaf(leaf) => fill(leaf, change),
            }
        }
    }

    /// Changes every value that is no table, or drops it.
    pub(super) fn change(&mut self, change: &impl Fn(toml::Value) -> Option<toml::Value>) {
        self.0.retain(|_, value| match &mut value.content {
            Content::Table(table) => {
                table.change(change);
                true
            }
            Content::Leaf(leaf) => {
                let changed = change(leaf.clone());
                let is_kept = changed.is_some();
                *leaf = changed.unwrap_or(toml::Value::Boolean(false));
                is_kept
            }
        });
    }

    fn at(&self, path: &str) -> Option<&OriginValue> {
        let Some((first, rest)) = path.split_once('.') else { return self.0.get(path) };
        match &self.0.get(first)?.content {
            Content::Table(table) => table.at(rest),
            Content::Leaf(_) => None,
        }
    }

    fn at_mut(&mut self, path: &str) -> Option<&mut OriginValue> {
        let Some((first, rest)) = path.split_once('.') else { return self.0.get_mut(path) };
        match &mut self.0.get_mut(first)?.content {
            Content::Table(table) => table.at_mut(rest),
            Content::Leaf(_) => None,
        }
    }

    /// Where the value at a path is said last, or else what holds it.
    #[must_use]
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        let mut path = path;
        loop {
            if let Some(value) = self.at(path) {
                return value.origins.last();
            }
            path = path.rsplit_once('.')?.0;
        }
    }

    /// Every value that is not a table, with its path, as TOML writes it, and where it is said.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, String, Vec<Origin>)> {
        let mut leaves = Vec::new();
        self.collect("", &mut leaves);
        leaves
    }

    fn collect(&self, prefix: &str, leaves: &mut Vec<(String, String, Vec<Origin>)>) {
        for (key, value) in &self.0 {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match &value.content {
                Content::Table(table) => table.collect(&path, leaves),
                Content::Leaf(leaf) => leaves.push((path, leaf.to_string(), value.origins.clone())),
            }
        }
    }

    /// The plain values.
    pub(super) fn to_toml(&self) -> toml::Table {
        let plain = |value: &OriginValue| match &value.content {
            Content::Table(table) => toml::Value::Table(table.to_toml()),
            Content::Leaf(leaf) => leaf.clone(),
        };
        self.0.iter().map(|(key, value)| (key.clone(), plain(value))).collect()
    }
}

impl OriginValue {
    fn merge(&mut self, over: Self, key: &str) {
        match (&mut self.content, over.content) {
            (Content::Table(own), Content::Table(over)) => own.merge(over),
            (Content::Leaf(toml::Value::Array(own)), Content::Leaf(toml::Value::Array(over_items)))
                // What is so of a repository stands for itself.
                if ADDED.contains(&key) && over.origins.iter().all(|origin| origin.layer != OriginLayer::Adopted) =>
            {
                own.extend(over_items);
                self.origins.extend(over.origins);
            }
            (own, content) => {
                *own = content;
                self.origins = over.origins;
            }
        }
    }
}

fn fill(value: &mut toml::Value, change: &impl Fn(&str) -> String) {
    match value {
        toml::Value::String(text) => *text = change(text),
        toml::Value::Array(items) => items.iter_mut().for_each(|item| fill(item, change)),
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, inner)| fill(inner, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, layer: &OriginLayer) -> Table {
        let file = format!("{}.toml", layer.to_string().replace(' ', "-"));
        Table::parse(text, layer, &file).unwrap()
    }

    #[test]
    fn a_later_layer_has_the_last_word_and_each_value_its_origin() {
        let mut merged = table(
            "port = 1\nignore = ['a']\n[dev]\ncommand = ['x', 'y']\n[dev.env]\nA = '1'\nB = '2'\n",
            &OriginLayer::Stack,
        );
        merged.merge(table("ignore = ['b']\n[dev]\ncommand = ['z']\n", &OriginLayer::Framework("f".into())));
        merged.merge(table("\n\nport = 2\ndev.env.B = '3'\n", &OriginLayer::User));
        let told: Vec<String> = merged
            .leaves()
            .into_iter()
            .map(|(path, value, origins)| {
                let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
                format!("{path} = {value} <- {}", origins.join(", "))
            })
            .collect();
        assert_eq!(
            told,
            [
                "port = 2 <- user (user.toml:3)",
                "ignore = [\"a\", \"b\"] <- stack (stack.toml:2), framework f (framework-f.toml:1)",
                "dev.command = [\"z\"] <- framework f (framework-f.toml:3)",
                "dev.env.A = \"1\" <- stack (stack.toml:6)",
                "dev.env.B = \"3\" <- user (user.toml:4)",
            ]
        );
    }

    #[test]
    fn what_is_not_there_is_said_to_be_where_it_would_stand() {
        let table = table("a = 1\n[b]\nc = 2\n", &OriginLayer::Stack);
        for (path, line) in [("b.c", Some(3)), ("b.d.e", Some(2)), ("x", None)] {
            assert_eq!(table.origin(path).map(|origin| origin.line), line, "{path}");
        }
    }

    #[test]
    fn values_move_and_texts_are_wrapped() {
        let user = table("[roles.dev.env]\nA = '$x'\n", &OriginLayer::User);
        let mut moved = user.moved("roles.dev.env", "dev.env");
        moved.wrap_texts("dev.env", "literal");
        let expected: toml::Table = "dev.env.A.literal = '$x'".parse().unwrap();
        assert_eq!(moved.to_toml(), expected);
        assert_eq!(moved.origin("dev.env.A.literal").unwrap().line, 2);
        assert_eq!(user.moved("roles.test", "test"), Table::default());
    }

    #[test]
    fn broken_toml_has_its_line() {
        let error = Table::parse("a = 1\nb = \n", &OriginLayer::Stack, "stack.toml").unwrap_err();
        assert_eq!(error.location().unwrap().line, Some(2), "{error}");
    }
}
