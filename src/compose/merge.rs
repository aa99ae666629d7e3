//! Joining two trees as Compose does: an override file over the main one, a service over the one it
//! extends (spec 13, "Merge", and 05, "extends").

use super::fault::Fault;
use super::yaml::{Key, MergeTag, Node, Value};

/// How a field is joined that is not simply a mapping (by key), a list (appended) or a scalar (replaced).
enum Rule {
    /// The later one alone holds.
    Replace,
    /// Both as a list: `[K=V]` and `{K: V}` are the same thing.
    Append,
    /// Both as a mapping: a list's items are keys, of nothing or of a mapping with this one entry.
    Keys(Option<(&'static str, &'static str)>),
    /// A string is the mapping's one field of this name.
    Field(&'static str),
    /// By key if both have the same driver, else the later one alone.
    Driver,
}

/// The fields with a rule of their own; `*` stands for any one key.
const RULES: &[(&str, Rule)] = &[
    ("services.*.annotations", Rule::Append),
    ("services.*.build", Rule::Field("context")),
    ("services.*.build.additional_contexts", Rule::Append),
    ("services.*.build.args", Rule::Append),
    ("services.*.build.extra_hosts", Rule::Append),
    ("services.*.build.labels", Rule::Append),
    ("services.*.command", Rule::Replace),
    ("services.*.depends_on", Rule::Keys(Some(("condition", "service_started")))),
    ("services.*.deploy.labels", Rule::Append),
    ("services.*.dns", Rule::Append),
    ("services.*.dns_opt", Rule::Append),
    ("services.*.dns_search", Rule::Append),
    ("services.*.entrypoint", Rule::Replace),
    ("services.*.env_file", Rule::Append),
    ("services.*.environment", Rule::Append),
    ("services.*.extra_hosts", Rule::Append),
    ("services.*.healthcheck.test", Rule::Replace),
    ("services.*.label_file", Rule::Append),
    ("services.*.labels", Rule::Append),
    ("services.*.logging", Rule::Driver),
    ("services.*.networks", Rule::Keys(None)),
    ("services.*.sysctls", Rule::Append),
    ("services.*.tmpfs", Rule::Append),
    ("services.*.ulimits.*", Rule::Replace),
    ("networks.*.labels", Rule::Append),
    ("volumes.*.labels", Rule::Append),
];

/// `over` on top of `base`; `path` is dotted, from the top of the file.
pub(super) fn merge(base: Node, over: Node, path: &str) -> Result<Node, Fault> {
    if over.tag == Some(MergeTag::Override) {
        return Ok(over);
    }
    let rule = RULES.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, rule)| rule);
    // What is empty says nothing, unless it replaces.
    match (rule, &base.value, &over.value) {
        (Some(Rule::Replace), _, _) | (_, Value::Null, _) => return Ok(over),
        (_, _, Value::Null) => return Ok(base),
        _ => {}
    }
    let (base, over) = match rule {
        Some(Rule::Append) => {
            let reset = resets(&over);
            let mut base = listed(base);
            if let Value::List(items) = &mut base.value {
                let name = |item: &Node| item.scalar().unwrap_or_default();
                items.retain(|item| !reset.contains(&name(item).split('=').next().unwrap_or("").to_owned()));
            }
            (base, listed(over))
        }
        Some(Rule::Keys(entry)) => (keyed(base, *entry), keyed(over, *entry)),
        Some(Rule::Field(name)) => (with_field(base, name), with_field(over, name)),
        Some(Rule::Driver) => {
            let driver = |node: &Node| node.get("driver").and_then(Node::scalar);
            match (driver(&base), driver(&over)) {
                (Some(one), Some(other)) if one != other => return Ok(over),
                _ => (base, over),
            }
        }
        _ => (base, over),
    };
    let place = over.place.clone();
    match (base.value, over.value) {
        (Value::Map(mut entries), Value::Map(new)) => {
            for (key, value) in new {
                put(&mut entries, key, value, path)?;
            }
            Ok(Node { value: Value::Map(entries), place: base.place, tag: None })
        }
        (Value::List(mut items), Value::List(new)) => {
            items.extend(new);
            Ok(Node { value: Value::List(items), place: base.place, tag: None })
        }
        (Value::Map(_) | Value::List(_), _) | (_, Value::Map(_) | Value::List(_)) => {
            Err(Fault::new(&place, format!("`{path}` is of another kind than what it overrides")))
        }
        (_, value) => Ok(Node { value, place, tag: None }),
    }
}

fn put(entries: &mut Vec<(Key, Node)>, key: Key, value: Node, path: &str) -> Result<(), Fault> {
    let at = entries.iter().position(|(own, _)| own.text == key.text);
    let inner = if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
    match at {
        Some(at) if value.tag == Some(MergeTag::Reset) => {
            entries.remove(at);
        }
        Some(at) if !key.text.starts_with("x-") => {
            let (own, old) = entries.remove(at);
            // A scalar comes from where it was last written; of a list both places are true.
            let own = if matches!(old.value, Value::Map(_) | Value::List(_)) { own } else { key };
            entries.insert(at, (own, merge(old, value, &inner)?));
        }
        Some(at) => entries[at].1 = value,
        None => entries.push((key, value)),
    }
    Ok(())
}

/// Takes out what a tag resets and has nothing below it.
pub(super) fn drop_resets(node: &mut Node) {
    match &mut node.value {
        Value::Map(entries) => {
            entries.retain(|(_, value)| value.tag != Some(MergeTag::Reset));
            for (_, value) in entries {
                drop_resets(value);
            }
        }
        Value::List(items) => {
            items.retain(|item| item.tag != Some(MergeTag::Reset));
            items.iter_mut().for_each(drop_resets);
        }
        _ => {}
    }
}

/// The keys that a mapping resets.
fn resets(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .filter(|(_, value)| value.tag == Some(MergeTag::Reset))
            .map(|(key, _)| key.text.clone())
            .collect(),
        _ => Vec::new(),
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    // A key may hold a dot itself (`sysctls`); none of those is in a pattern below a `*`.
    let mut parts = path.split('.');
    pattern.split('.').all(|want| parts.next().is_some_and(|part| want == "*" || want == part))
        && parts.next().is_none()
}

fn listed(node: Node) -> Node {
    let value = match node.value {
        Value::Map(entries) => Value::List(
            entries
                .into_iter()
                .filter(|(_, value)| value.tag != Some(MergeTag::Reset))
                .flat_map(|(key, value)| {
                    let place = key.place.clone();
                    let text = |value: Option<String>| match value {
                        Some(value) => format!("{}={value}", key.text),
                        None => key.text.clone(),
                    };
                    let texts = match &value.value {
                        // extra_hosts: a name with several addresses.
                        Value::List(items) => items.iter().map(|item| text(item.scalar())).collect(),
                        _ => vec![text(value.scalar())],
                    };
                    texts.into_iter().map(move |text| Node::new(Value::Text(text), place.clone()))
                })
                .collect(),
        ),
        Value::List(items) => Value::List(items),
        scalar => Value::List(vec![Node::new(scalar, node.place.clone())]),
    };
    Node { value, ..node }
}

fn keyed(node: Node, entry: Option<(&str, &str)>) -> Node {
    let value = match node.value {
        Value::List(items) => Value::Map(
            items
                .into_iter()
                .filter_map(|item| {
                    let key = |text: &str| Key { text: text.to_owned(), place: item.place.clone() };
                    let value = entry.map_or(Value::Null, |(name, value)| {
                        let value = Value::Text(value.to_owned());
                        Value::Map(vec![(key(name), Node::new(value, item.place.clone()))])
                    });
                    Some((key(&item.scalar()?), Node::new(value, item.place.clone())))
                })
                .collect(),
        ),
        value => value,
    };
    Node { value, ..node }
}

fn with_field(node: Node, name: &str) -> Node {
    let value = match node.value {
        value @ (Value::Map(_) | Value::List(_)) => value,
        scalar => {
            let key = Key { text: name.to_owned(), place: node.place.clone() };
            Value::Map(vec![(key, Node::new(scalar, node.place.clone()))])
        }
    };
    Node { value, ..node }
}
