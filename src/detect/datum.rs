//! What the readers of formats make of a file: a tree of keys and texts, each with its line.

/// A value of a structured file: a scalar, a list (its keys are numbers), a mapping, or an element with a text of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Datum {
    /// From 1.
    pub(super) line: usize,
    /// The scalar, as it is written.
    pub(super) text: Option<String>,
    /// What is in it, in the order of the file; a key may come twice, as an element of XML does.
    pub(super) entries: Vec<(String, Datum)>,
}

impl Datum {
    /// A scalar.
    pub(super) fn scalar(line: usize, text: impl Into<String>) -> Self {
        Self { line, text: Some(text.into()), entries: Vec::new() }
    }

    /// A list of values.
    pub(super) fn list(line: usize, items: impl IntoIterator<Item = Self>) -> Self {
        let entries = items.into_iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect();
        Self { line, text: None, entries }
    }

    /// A mapping.
    pub(super) fn map(line: usize, entries: Vec<(String, Self)>) -> Self {
        Self { line, text: None, entries }
    }

    /// What is at a path of keys (`a/b/*`; `*` is any key), each with its own key.
    pub(super) fn at(&self, path: &str) -> Vec<(&str, &Self)> {
        let mut found = vec![("", self)];
        for key in path.split('/').filter(|key| !key.is_empty()) {
            let below = found.iter().flat_map(|(_, datum)| datum.entries.iter());
            found =
                below.filter(|(own, _)| key == "*" || own == key).map(|(own, datum)| (own.as_str(), datum)).collect();
        }
        found
    }

    /// The first value at a path.
    pub(super) fn first(&self, path: &str) -> Option<&Self> {
        self.at(path).first().map(|(_, datum)| *datum)
    }

    /// The first scalar at a path.
    pub(super) fn text_at(&self, path: &str) -> Option<&str> {
        self.first(path)?.text.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_every_value_that_fits() {
        let inner = |text: &str| Datum::map(2, vec![("b".into(), Datum::scalar(3, text))]);
        let tree = Datum::map(1, vec![("a".into(), inner("x")), ("a".into(), inner("y")), ("c".into(), inner("z"))]);
        let texts =
            |path| tree.at(path).iter().filter_map(|(_, datum)| datum.text.clone()).collect::<Vec<_>>().concat();
        for (path, expected) in [("a/b", "xy"), ("*/b", "xyz"), ("c/b/d", ""), ("c", "")] {
            assert_eq!(texts(path), expected, "{path}");
        }
        assert_eq!(Datum::list(1, [Datum::scalar(1, "p")]).text_at("0"), Some("p"));
    }
}
