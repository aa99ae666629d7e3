//! Joining two trees as Compose does: an override file over the main one, a service over the one it
//! extends (spec 13, "Merge", and 05, "extends").

use super::fault::ComposeFault;
use super::yaml::{MergeTag, YamlKey, YamlNode, YamlValue};
use crate::text::Place;

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
pub(super) fn merge(base: YamlNode, over: YamlNode, path: &str) -> Result<YamlNode, ComposeFault> {
    if over.tag == Some(MergeTag::Override) {
        return Ok(over);
    }
    let rule = RULES.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, rule)| rule);
    // What is empty says nothing, unless it replaces.
    match (rule, &base.value, &over.value) {
        (Some(Rule::Replace), _, _) | (_, YamlValue::Null, _) => return Ok(over),
        (_, _, YamlValue::Null) => return Ok(base),
        _ => {}
    }
    let (base, over) = match rule {
        Some(Rule::Append) => {
            let reset = resets(&over);
            let mut base = listed(base);
            if let YamlValue::List(items) = &mut base.value {
                let name = |item: &YamlNode| item.scalar().unwrap_or_default();
                items.retain(|item| !reset.contains(&name(item).split('=').next().unwrap_or("").to_owned()));
            }
            (base, listed(over))
        }
        Some(Rule::Keys(entry)) => (keyed(base, *entry), keyed(over, *entry)),
        Some(Rule::Field(name)) => (with_field(base, name), with_field(over, name)),
        Some(Rule::Driver) => {
            let driver = |node: &YamlNode| node.get("driver").and_then(YamlNode::scalar);
            match (driver(&base), driver(&over)) {
                (Some(one), Some(other)) if one != other => return Ok(over),
                _ => (base, over),
            }
        }
        _ => (base, over),
    };
    let place = over.place.clone();
    match (base.value, over.value) {
        (YamlValue::Map(mut entries), YamlValue::Map(new)) => {
            for (key, value) in new {
                put(&mut entries, key, value, path)?;
            }
            Ok(YamlNode { value: YamlValue::Map(entries), place: base.place, tag: None })
        }
        (YamlValue::List(mut items), YamlValue::List(new)) => {
            items.extend(new);
            Ok(YamlNode { value: YamlValue::List(items), place: base.place, tag: None })
        }
        (YamlValue::Map(_) | YamlValue::List(_), _) | (_, YamlValue::Map(_) | YamlValue::List(_)) => {
            Err(ComposeFault::new(&place, format!("`{path}` is of another kind than what it overrides")))
        }
        (_, value) => Ok(YamlNode { value, place, tag: None }),
    }
}

fn put(entries: &mut Vec<(YamlKey, YamlNode)>, key: YamlKey, value: YamlNode, path: &str) -> Result<(), ComposeFault> {
    let at = entries.iter().position(|(own, _)| own.text == key.text);
    let inner = if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
    match at {
        // It stays until all files are joined, for its place.
        Some(at) if value.tag == Some(MergeTag::Reset) => {
            let nothing = YamlNode { value: YamlValue::Null, place: value.place, tag: value.tag };
            entries[at] = (key, nothing);
        }
        // What was reset before is not there to be joined.
        Some(at) if entries[at].1.tag == Some(MergeTag::Reset) => entries[at] = (key, value),
        Some(at) if !key.text.starts_with("x-") => {
            let (own, old) = entries.remove(at);
            // A scalar comes from where it was last written; of a list both places are true.
            let own = if matches!(old.value, YamlValue::Map(_) | YamlValue::List(_)) { own } else { key };
            entries.insert(at, (own, merge(old, value, &inner)?));
        }
        Some(at) => entries[at].1 = value,
        None => entries.push((key, value)),
    }
    Ok(())
}

/// Removes what a tag resets; returns which fields, as dotted paths, and where.
pub(super) fn drop_resets(node: &mut YamlNode) -> Vec<(String, Place)> {
    let mut dropped = Vec::new();
    drop_below(node, "", &mut dropped);
    dropped
}

fn drop_below(node: &mut YamlNode, path: &str, dropped: &mut Vec<(String, Place)>) {
    let is_reset = |node: &YamlNode| node.tag == Some(MergeTag::Reset);
    match &mut node.value {
        YamlValue::Map(entries) => {
            let inner = |key: &YamlKey| if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
            let reset = entries.iter().filter(|(_, value)| is_reset(value));
            dropped.extend(reset.map(|(key, _)| (inner(key), key.place.clone())));
            entries.retain(|(_, value)| !is_reset(value));
            for (key, value) in entries {
                drop_below(value, &inner(key), dropped);
            }
        }
        YamlValue::List(items) => {
            items.retain(|item| !is_reset(item));
            for item in items {
                drop_below(item, path, dropped);
            }
        }
        _ => {}
    }
}

/// The keys that a mapping resets.
fn resets(node: &YamlNode) -> Vec<String> {
    match &node.value {
        YamlValue::Map(entries) => entries
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

fn listed(node: YamlNode) -> YamlNode {
    let value = match node.value {
        YamlValue::Map(entries) => YamlValue::List(
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
                        YamlValue::List(items) => items.iter().map(|item| text(item.scalar())).collect(),
                        _ => vec![text(value.scalar())],
                    };
                    texts.into_iter().map(move |text| YamlNode::new(YamlValue::Text(text), place.clone()))
                })
                .collect(),
        ),
        YamlValue::List(items) => YamlValue::List(items),
        scalar => YamlValue::List(vec![YamlNode::new(scalar, node.place.clone())]),
    };
    YamlNode { value, ..node }
}

fn keyed(node: YamlNode, entry: Option<(&str, &str)>) -> YamlNode {
    let value = match node.value {
        YamlValue::List(items) => YamlValue::Map(
            items
                .into_iter()
                .filter_map(|item| {
                    let key = |text: &str| YamlKey { text: text.to_owned(), place: item.place.clone() };
                    let value = entry.map_or(YamlValue::Null, |(name, value)| {
                        let value = YamlValue::Text(value.to_owned());
                        YamlValue::Map(vec![(key(name), YamlNode::new(value, item.place.clone()))])
                    });
                    Some((key(&item.scalar()?), YamlNode::new(value, item.place.clone())))
                })
                .collect(),
        ),
        value => value,
    };
    YamlNode { value, ..node }
}

fn with_field(node: YamlNode, name: &str) -> YamlNode {
    let value = match node.value {
        value @ (YamlValue::Map(_) | YamlValue::List(_)) => value,
        scalar => {
            let key = YamlKey { text: name.to_owned(), place: node.place.clone() };
            YamlValue::Map(vec![(key, YamlNode::new(scalar, node.place.clone()))])
        }
    };
    YamlNode { value, ..node }
}
