//! YAML; the documents of a stream are read as if they were one.

use crate::compose::yaml::{YamlNode, YamlValue, tree};

use super::super::datum::Datum;

/// More documents than a file of people has.
const MOST: usize = 40;

pub(super) fn read(text: &str) -> Option<Datum> {
    let mut all: Option<Datum> = None;
    let (mut document, mut begins) = (String::new(), 0);
    let mut documents = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_end() == "---" {
            documents.push((begins, std::mem::take(&mut document)));
            begins = index + 1;
        } else {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents.push((begins, document));
    for (begins, document) in documents.into_iter().filter(|(_, text)| !text.trim().is_empty()).take(MOST) {
        let Some(node) = tree(&document) else { continue };
        let datum = datum(&node, begins);
        match &mut all {
            Some(all) => all.entries.extend(datum.entries),
            None => all = Some(datum),
        }
    }
    all
}

fn datum(node: &YamlNode, before: usize) -> Datum {
    let line = node.place.line + before;
    match &node.value {
        YamlValue::List(items) => Datum::list(line, items.iter().map(|item| datum(item, before))),
        YamlValue::Map(entries) => {
            let entry =
                |(key, value): &(crate::compose::yaml::YamlKey, YamlNode)| (key.text.clone(), datum(value, before));
            Datum::map(line, entries.iter().map(entry).collect())
        }
        _ => Datum { line, text: node.scalar(), entries: Vec::new() },
    }
}
