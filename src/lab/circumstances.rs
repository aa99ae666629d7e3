//! The circumstances of a build that what it makes must not depend on.

use std::collections::BTreeMap;

use super::Lab;
use crate::compose;
use crate::dockerfile::InstructionKind;
use crate::engine::ImageInfo;
use crate::subject::Target;

/// What a build is given.
#[derive(Default)]
pub(crate) struct Circumstances {
    /// Variables of every RUN from the source on.
    pub(crate) env: Vec<(String, String)>,
    /// Build arguments.
    pub(crate) args: BTreeMap<String, String>,
    /// Arguments that the host decides, and that may not suit the build.
    pub(crate) of_host: BTreeMap<String, String>,
}

/// Something that a build was given and that is in what it made.
pub(crate) struct CircumstanceLeak {
    /// What it is, for people.
    pub(crate) what: String,
    /// Whether it is a deployment's value.
    pub(crate) of_deployment: bool,
}

/// A host name that no engine gives.
const HOST: &str = "dockwright-host";

/// The argument by which `BuildKit` names the host that RUN sees.
const HOST_ARG: &str = "BUILDKIT_SANDBOX_HOSTNAME";

impl Circumstances {
    /// For people.
    pub(crate) fn told(&self) -> String {
        let env = self.env.iter().map(|(name, value)| (name, value));
        let all = env.chain(&self.args).chain(&self.of_host);
        let told = all.map(|(name, value)| match name.as_str() {
            HOST_ARG => format!("the host name {value}"),
            name => format!("{name}={value}"),
        });
        let mut told: Vec<String> = told.collect();
        told.dedup();
        told.join(", ")
    }

    /// Another environment than that of a build as it is: the target, and the image that it gave. A deployment's
    /// variables have a value that it declares.
    pub(crate) fn elsewhere(lab: &Lab, target: &Target, image: &ImageInfo) -> Self {
        let deployments = of_deployments(lab, target);
        let mut other = Self::default();
        settings(target, image, &mut other);
        arguments(lab, target, &deployments, &mut other);
        other.env.extend(deployments);
        other
    }

    /// The usual environment on a host of another name. The engine does every step anew for it.
    pub(crate) fn another_host() -> Self {
        Self { args: [(HOST_ARG.to_owned(), HOST.to_owned())].into(), ..Self::default() }
    }

    /// The usual environment with words for a deployment's variables that no file has by chance.
    pub(crate) fn tainted(lab: &Lab, target: &Target) -> Self {
        let words = of_deployments(lab, target).into_iter().map(|(name, value)| (name, made_up(&value)));
        let words: Vec<(String, String)> = words.collect();
        let mut other = Self::default();
        arguments(lab, target, &words, &mut other);
        other.of_host.clear();
        other.env = words;
        other
    }

    /// The words of it that show when they are in a file.
    pub(crate) fn words(&self) -> Vec<(String, CircumstanceLeak)> {
        let env = self.env.iter().map(|(name, value)| (name, value));
        let words = env.chain(&self.args).filter_map(|(name, value)| {
            let (word, what, of_deployment) = match name.as_str() {
                "TZ" => (zone_name(value), "the time zone".to_owned(), false),
                "LC_ALL" => return None,
                HOST_ARG => (value.as_str(), "the build host's name".to_owned(), false),
                name => (value.as_str(), format!("the value of {name}"), true),
            };
            Some((word.to_owned(), CircumstanceLeak { what, of_deployment }))
        });
        words.filter(|(word, _)| word.len() >= 3).collect()
    }
}

/// Time zone and locale elsewhere. What the Dockerfile itself sets stays.
fn settings(target: &Target, image: &ImageInfo, other: &mut Circumstances) {
    let pinned = pinned(target);
    if !pinned.contains_key("TZ") {
        other.env.push(("TZ".to_owned(), time_zone(time::OffsetDateTime::now_utc().hour())));
    }
    if !pinned.keys().any(|name| name == "LANG" || name.starts_with("LC_")) {
        let usual = ["LC_ALL", "LANG"].iter().find_map(|name| image.config.env_value(name));
        let is_c = usual.is_none_or(|usual| matches!(usual, "" | "C" | "POSIX"));
        other.env.push(("LC_ALL".to_owned(), if is_c { "C.UTF-8" } else { "C" }.to_owned()));
    }
}

/// What the Dockerfile sets on the way to a stage.
fn pinned(target: &Target) -> BTreeMap<String, String> {
    let mut pinned = BTreeMap::new();
    for (_, instruction) in target.dockerfile.chain(target.stage) {
        if let InstructionKind::Env(pairs) = &instruction.kind {
            let pairs = pairs.iter().map(|(name, value)| (name.clone(), value.trim_matches(['"', '\'']).to_owned()));
            pinned.extend(pairs);
        }
    }
    pinned
}

/// Each variable that a deployment declares, with a value that a deployment gives it and the usual build does not have.
/// What the Dockerfile sets to something that is no deployment's value stays.
fn of_deployments(lab: &Lab, target: &Target) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for deployment in &lab.subject.project.deployments {
        for (name, value) in &deployment.env {
            all.entry(name.to_string()).or_default().push(value.to_string());
        }
        for secret in &deployment.secrets {
            all.entry(secret.to_string()).or_default();
        }
    }
    let pinned = pinned(target);
    let mut usual = target.dockerfile.arg_defaults(target.stage, usize::MAX);
    usual.extend(target.args.clone());
    usual.extend(pinned.clone());
    let service = lab.image("service").ok();
    let mut found = Vec::new();
    for (name, values) in all {
        let of_deployment = |value: &str| values.iter().any(|own| own == value);
        if pinned.get(&name).is_some_and(|value| !of_deployment(value)) {
            continue;
        }
        // What the service has by default is no deployment's alone.
        if service.and_then(|service| service.config.env_value(&name)).is_some_and(of_deployment) {
            continue;
        }
        let other = values.iter().find(|value| !value.is_empty() && usual.get(&name) != Some(*value));
        let other = other.cloned().unwrap_or_else(|| made_up(values.first().map_or("", String::as_str)));
        found.push((name, other));
    }
    found
}

/// A time zone in which it is another day than in UTC, whose name needs no table of time zones.
fn time_zone(utc_hour: u8) -> String {
    if utc_hour >= 10 { "DWE-14" } else { "DWW+12" }.to_owned()
}

/// The zone's name, without its offset.
fn zone_name(zone: &str) -> &str {
    zone.trim_end_matches(|c: char| !c.is_ascii_alphabetic())
}

/// A value of the same form that no deployment has.
fn made_up(value: &str) -> String {
    if value.parse::<i64>().is_ok() {
        return "48213".to_owned();
    }
    match (value, value.split_once("://")) {
        ("true", _) => "false".to_owned(),
        ("false", _) => "true".to_owned(),
        (_, Some((scheme, _))) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c)) => {
            format!("{scheme}://dockwright-elsewhere.example/dockwright")
        }
        _ => "dockwright-elsewhere".to_owned(),
    }
}

/// Build arguments with other values: those of a deployment's variables, and those that compose.yaml takes from the host.
fn arguments(lab: &Lab, target: &Target, deployments: &[(String, String)], other: &mut Circumstances) {
    let dockerfile = &target.dockerfile;
    let closure = dockerfile.closure(target.stage);
    let mut declared: Vec<&str> = Vec::new();
    for instruction in closure.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions) {
        if let InstructionKind::Arg(args) = &instruction.kind {
            declared.extend(args.iter().map(|(name, _)| name.as_str()));
        }
    }
    // One that a FROM takes is a base image's name.
    let in_from = |name: &str| closure.iter().any(|stage| dockerfile.stages[*stage].raw_base.contains(name));
    declared.retain(|name| !in_from(name));
    let own = deployments.iter().filter(|(name, _)| declared.contains(&name.as_str()));
    other.args.extend(own.cloned());
    let compose = &lab.subject.compose;
    let hostile = compose.interpolated.iter().map(|one| (one.name.clone(), "4242".to_owned())).collect();
    let service = lab.subject.role("service").map(|role| role.service.as_str()).unwrap_or_default();
    let build = |compose: &compose::Compose| compose.services.get(service).and_then(|service| service.build.clone());
    let there = compose::read(&lab.subject.folder, &hostile).ok();
    let (Some(here), Some(there)) = (build(compose), there.as_ref().and_then(build)) else { return };
    for (name, value) in there.args {
        let Some(value) = value else { continue };
        let is_new = !other.args.contains_key(&name) && declared.contains(&name.as_str());
        if is_new && here.args.get(&name) != Some(&Some(value.clone())) {
            other.of_host.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_values_keep_their_form() {
        for (value, other) in [
            ("8000", "48213"),
            ("true", "false"),
            ("postgres://db/orders", "postgres://dockwright-elsewhere.example/dockwright"),
            ("production", "dockwright-elsewhere"),
            ("", "dockwright-elsewhere"),
        ] {
            assert_eq!(made_up(value), other);
        }
    }

    #[test]
    fn it_is_another_day_there() {
        for hour in 0..24_i32 {
            let zone = time_zone(u8::try_from(hour).unwrap());
            // POSIX counts west of Greenwich.
            let offset: i32 = zone[3..].parse().unwrap();
            assert_ne!((hour - offset).div_euclid(24), 0, "{hour} {zone}");
        }
    }
}
