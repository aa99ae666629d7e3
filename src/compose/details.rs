//! `healthcheck`, `depends_on`, `env_file`, `ulimits`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::context::Decoding;
use super::fault::ComposeFault;
use super::keys;
use super::parts::{Condition, DependsOn, EnvFile};
use super::paths::resolve;
use super::values::{boolean, duration, entries, integer, items, text, texts};
use super::yaml::{YamlNode, YamlValue};
use crate::spec::{HealthTest, Healthcheck, Ulimit};

pub(super) fn healthcheck(node: &YamlNode, context: &mut Decoding<'_>) -> Result<Healthcheck, ComposeFault> {
    context.check(node, keys::HEALTHCHECK, "healthcheck.", "`healthcheck`")?;
    let at = |field: &str| node.get(field);
    let time = |field: &str| at(field).map(|node| duration(node, &format!("healthcheck.{field}"))).transpose();
    let disabled = at("disable").map(|node| boolean(node, "healthcheck.disable")).transpose()?;
    let test = match at("test") {
        _ if disabled == Some(true) => Some(HealthTest::None),
        None => None,
        Some(node) => Some(health_test(node)?),
    };
    let retries = at("retries").map(|node| integer(node, "healthcheck.retries")).transpose()?;
    Ok(Healthcheck {
        test,
        interval: time("interval")?,
        timeout: time("timeout")?,
        start_period: time("start_period")?,
        start_interval: time("start_interval")?,
        retries: retries.and_then(|count| count.try_into().ok()),
    })
}

fn health_test(node: &YamlNode) -> Result<HealthTest, ComposeFault> {
    if let YamlValue::Text(line) = &node.value {
        return Ok(HealthTest::Shell(line.clone()));
    }
    let words = texts(node, "healthcheck.test")?;
    HealthTest::parse(&words).ok_or_else(|| {
        ComposeFault::new(&node.place, "`healthcheck.test` does not begin with its form")
            .hint("begin the list with CMD, CMD-SHELL or NONE")
    })
}

pub(super) fn depends_on(
    node: &YamlNode,
    context: &mut Decoding<'_>,
) -> Result<BTreeMap<String, DependsOn>, ComposeFault> {
    let mut found = BTreeMap::new();
    if let YamlValue::List(_) = node.value {
        for name in texts(node, "depends_on")? {
            let dependency = DependsOn { condition: Condition::Started, restart: false, required: true };
            found.insert(name, dependency);
        }
        return Ok(found);
    }
    for (key, node) in entries(node, "depends_on")? {
        context.check(node, keys::DEPENDENCY, &format!("depends_on.{}.", key.text), "`depends_on`")?;
        let flag = |field: &str| node.get(field).map(|node| boolean(node, field)).transpose();
        let condition = match node.get("condition").and_then(YamlNode::scalar).as_deref() {
            Some("service_started") => Condition::Started,
            Some("service_healthy") => Condition::Healthy,
            Some("service_completed_successfully") => Condition::Completed,
            other => {
                let shown = other.map_or("nothing".to_owned(), |other| format!("`{other}`"));
                let message = format!("{shown} is not a condition of `depends_on`");
                return Err(ComposeFault::new(&node.place, message)
                    .hint("service_started, service_healthy or service_completed_successfully"));
            }
        };
        let dependency = DependsOn {
            condition,
            restart: flag("restart")?.unwrap_or_default(),
            required: flag("required")?.unwrap_or(true),
        };
        found.insert(key.text.clone(), dependency);
    }
    Ok(found)
}

pub(super) fn env_files(node: &YamlNode, context: &mut Decoding<'_>) -> Result<Vec<EnvFile>, ComposeFault> {
    let one = std::slice::from_ref(node);
    let nodes = if matches!(node.value, YamlValue::List(_)) { items(node, "env_file")? } else { one };
    let mut found: Vec<EnvFile> = Vec::new();
    let mut at: HashMap<PathBuf, usize> = HashMap::new();
    for node in nodes {
        let long = matches!(node.value, YamlValue::Map(_));
        if long {
            context.check(node, keys::ENV_FILE, "env_file.", "`env_file`")?;
        }
        let path = if long { node.get("path") } else { Some(node) };
        let Some(path) = path else {
            return Err(ComposeFault::new(&node.place, "`env_file` needs a `path`"));
        };
        let file = EnvFile {
            path: resolve(&text(path, "env_file")?, &path.place, context.env).into(),
            required: node.get("required").map_or(Ok(true), |node| boolean(node, "env_file.required"))?,
            format: node.get("format").map(|node| text(node, "env_file.format")).transpose()?,
            place: path.place.clone(),
        };
        match at.get(&file.path) {
            Some(same) => found[*same] = file,
            None => {
                at.insert(file.path.clone(), found.len());
                found.push(file);
            }
        }
    }
    Ok(found)
}

pub(super) fn ulimits(node: &YamlNode, context: &mut Decoding<'_>) -> Result<BTreeMap<String, Ulimit>, ComposeFault> {
    let mut found = BTreeMap::new();
    for (key, node) in entries(node, "ulimits")? {
        let field = format!("ulimits.{}", key.text);
        let limit = if let YamlValue::Map(_) = node.value {
            context.check(node, keys::ULIMIT, &format!("{field}."), "`ulimits`")?;
            let of = |side: &str| {
                let node = node.get(side);
                let missing = || ComposeFault::new(&key.place, format!("`{field}` needs `{side}`"));
                node.ok_or_else(missing).and_then(|node| integer(node, &format!("{field}.{side}")))
            };
            Ulimit { soft: of("soft")?, hard: of("hard")? }
        } else {
            let both = integer(node, &field)?;
            Ulimit { soft: both, hard: both }
        };
        found.insert(key.text.clone(), limit);
    }
    Ok(found)
}
