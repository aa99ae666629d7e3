//! XML: elements by their local names, attributes as `@NAME`.

use roxmltree::{Document, Node, ParsingOptions};

use super::super::datum::Datum;
use super::{DEEPEST, Lines};

pub(super) fn read(text: &str) -> Option<Datum> {
    if depth(text) > DEEPEST {
        return None;
    }
    let options = ParsingOptions { nodes_limit: 100_000, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let (root, lines) = (document.root_element(), Lines::of(text));
    Some(Datum::map(1, vec![(root.tag_name().name().to_owned(), datum(root, &lines))]))
}

fn datum(element: Node<'_, '_>, lines: &Lines) -> Datum {
    let line = lines.line(element.range().start);
    let attributes = element.attributes().map(|one| (format!("@{}", one.name()), Datum::scalar(line, one.value())));
    let children = element.children().filter(Node::is_element);
    let children = children.map(|child| (child.tag_name().name().to_owned(), datum(child, lines)));
    let entries: Vec<(String, Datum)> = attributes.chain(children).collect();
    let text = element.text().map(str::trim).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    Datum { line, text, entries }
}

/// How deep elements may nest: at least what opens and is not closed.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for (at, _) in text.match_indices('<') {
        match text.as_bytes().get(at + 1) {
            Some(b'/') => now = now.saturating_sub(1),
            Some(b'?' | b'!') | None => {}
            Some(_) => {
                let end = text[at..].find('>').map_or(text.len(), |end| at + end);
                if text.as_bytes().get(end.saturating_sub(1)) != Some(&b'/') {
                    now += 1;
                    most = most.max(now);
                }
            }
        }
    }
    most
}
