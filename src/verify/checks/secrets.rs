//! `installation.no-secret`: a secret is a reference, never a value.

use std::collections::BTreeSet;

use crate::compose::{self, ComposeService};
use crate::engine::ImageInfo;
use crate::lab::lineage::is_of_service;
use crate::lab::taint::{
    Taints, WordLeak, in_command, in_start, in_value, is_literal, is_secret_name, is_value, leaks, service_leaks,
};
use crate::lab::tracer::forms;
use crate::lab::{Lab, blame};
use crate::project::EnvName;
use crate::spec::HealthTest;
use crate::subject::RoleSubject;
use crate::text::{self, Place};
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// What a secret is instead of a value.
const REFERENCE: &str = "a secret is a file that compose.yaml mounts, and NAME_FILE says where it is";

/// `installation.no-secret`.
pub(super) async fn no_secret(lab: &Lab) -> Checked {
    let service = lab.image("service")?;
    let (mut secrets, mut count) = (0, 0);
    for role in lab.subject.installations() {
        let image = lab.image(&role.name)?;
        if !is_of_service(lab, role, image, service)? {
            return Ok(inconclusive(format!("{} is not made from the service image", role.name)));
        }
        let verdict = in_config(lab, role, service, image).or_else(|| in_container(lab, role));
        if let Some(verdict) = verdict.or_else(|| in_values(lab, role, service, image)) {
            return Ok(verdict.by_itself());
        }
        let of_service = service_leaks(lab).await?;
        let found = leaks(lab, role, image).await?;
        let secret: Vec<_> = found.found.iter().filter(|leak| leak.taint.is_secret()).collect();
        // What the service image has is there, too.
        let own = |leak: &&&WordLeak| !of_service.found.iter().any(|other| other.taint.name == leak.taint.name);
        let added = secret.iter().find(own);
        if let Some(leak) = added.or(secret.first()) {
            let verdict = fail(format!("{}: {} is in {}", role.name, leak.taint.shown(), leak.place))
                .expected(REFERENCE)
                .at_place(&leak.by)
                .rules_out("installation.extends-service");
            return Ok(if added.is_some() { verdict.by_itself() } else { verdict });
        }
        if let Some(why) = found.unseen.or(found.unseen_secrets) {
            return Ok(inconclusive(why));
        }
        secrets += role.deployment.as_ref().map_or(0, |deployment| deployment.secrets.len());
        count += 1;
    }
    let declared = match secrets {
        0 => "no secret is declared".to_owned(),
        1 => "the declared secret is a reference".to_owned(),
        many => format!("the {many} declared secrets are references"),
    };
    Ok(pass(format!("{declared}, and no value of one is in {count} installation{}", if count == 1 { "" } else { "s" })))
}

/// The names of all declared secrets. A variable of such a name is a value.
fn names(lab: &Lab) -> BTreeSet<&str> {
    let deployments = &lab.subject.project.deployments;
    deployments.iter().flat_map(|deployment| &deployment.secrets).map(EnvName::as_str).collect()
}

/// A secret's own variable among those that an installation's image adds to the service's.
fn in_config(lab: &Lab, role: &RoleSubject, service: &ImageInfo, image: &ImageInfo) -> Option<Verdict> {
    let name = names(lab).into_iter().find(|name| {
        let value = image.config.env_value(name);
        value.is_some_and(|value| !value.is_empty()) && value != service.config.env_value(name)
    })?;
    let line = blame::variable_of_stage(&role.target, name).map_or(role.target.line(), |place| place.line);
    Some(
        fail(format!("{}: the secret {name} is a value in the image's environment", role.name))
            .expected(REFERENCE)
            .at(role.target.file.clone(), line),
    )
}

/// Whether a variable has a secret's name, and a value that is one: no reference and nothing about it.
fn is_named_secret(name: &str, value: &str) -> bool {
    is_secret_name(name) && is_literal(value)
}

/// A secret within a value that is declared, or that compose.yaml gives: the password of an address, a key, a token.
fn in_values(lab: &Lab, role: &RoleSubject, service: &ImageInfo, image: &ImageInfo) -> Option<Verdict> {
    let of_service = |name: &str| service.config.env_value(name);
    let added = image.config.env.iter().filter(|(name, value)| of_service(name) != Some(value.as_str()));
    let added: Vec<(&String, &String)> = added.map(|(name, value)| (name, value)).collect();
    if let Some((name, _)) = added.iter().find(|(name, value)| is_named_secret(name, value)) {
        let what = format!("{}: {name} has a secret's name, and a value in the image's environment", role.name);
        let place = blame::variable_of_stage(&role.target, name);
        let place = place.unwrap_or_else(|| blame::environment(&lab.subject, &role.target, name));
        return Some(fail(what).expected(REFERENCE).at_place(&place));
    }
    let found = added.into_iter().find_map(|(name, value)| Some((name, in_value(value)?)));
    if let Some((name, found)) = found {
        let what = format!("{}: {} is in the value of {name} in the image's environment", role.name, found.what);
        let place = blame::value(&role.target, &found.text).or_else(|| blame::variable_of_stage(&role.target, name));
        let place = place.unwrap_or_else(|| blame::environment(&lab.subject, &role.target, name));
        return Some(fail(what).expected(REFERENCE).at_place(&place));
    }
    let of_service = |name: &str| service.config.labels.get(name);
    let labels = image.config.labels.iter().filter(|(name, value)| of_service(name) != Some(*value));
    let label = labels.into_iter().find_map(|(name, value)| Some((name, in_command(value)?)));
    if let Some((name, found)) = label {
        let what = format!("{}: {} is in the label {name} of the image", role.name, found.what);
        let place = blame::value(&role.target, &found.text).unwrap_or_else(|| role.target.place(role.target.line()));
        return Some(fail(what).expected(REFERENCE).at_place(&place));
    }
    let starts = starts(image).into_iter().zip(starts(service)).filter(|(own, of_service)| own != of_service);
    let start = starts.map(|(own, _)| own).find_map(|(what, text)| Some((what, in_start(&text)?)));
    if let Some((what, found)) = start {
        let what = format!("{}: {} is in the {what} of the image", role.name, found.what);
        let place = blame::value(&role.target, &found.text).unwrap_or_else(|| role.target.place(role.target.line()));
        return Some(fail(what).expected(REFERENCE).at_place(&place));
    }
    let own = lab.subject.service(role);
    if let Some(verdict) = in_said(lab, role, image) {
        return Some(verdict);
    }
    let is_start = |field: &str| field != "labels";
    let text = texts(own).into_iter().find_map(|(field, text)| {
        let found = if is_start(field) { in_start(&text) } else { in_command(&text) };
        Some((field, found?))
    });
    if let Some((field, found)) = text {
        let what = format!("{}: {} is in `{field}` of compose.yaml", role.name, found.what);
        return Some(fail(what).expected(REFERENCE).at_place(own.at(field)));
    }
    let mut given = own.settings.environment.iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let (name, what) = given.find_map(|(name, value)| {
        if is_named_secret(name, value) {
            return Some((name, format!("{name} has a secret's name, and a value in compose.yaml")));
        }
        Some((name, format!("{} is in the value that compose.yaml gives {name}", in_value(value)?.what)))
    })?;
    let what = format!("{}: {what}", role.name);
    Some(fail(what).expected(REFERENCE).at_place(own.at(&format!("environment.{name}"))))
}

/// Fields whose values are looked at by themselves, or name files.
const ELSEWHERE: &[&str] = &["command", "configs", "entrypoint", "env_file", "environment", "healthcheck", "secrets"];

/// A secret elsewhere in what compose.yaml says of an installation: in any field of its service, in its configs, in the
/// options of its volumes. Also looks there, and in the image's environment, for the content of the secrets' own files, in
/// every form in which a word is found again.
fn in_said(lab: &Lab, role: &RoleSubject, image: &ImageInfo) -> Option<Verdict> {
    let (own, compose) = (lab.subject.service(role), &lab.subject.compose);
    let told = |what: String, place: &Place| fail(format!("{}: {what}", role.name)).expected(REFERENCE).at_place(place);
    let real = real_secrets(lab, own);
    let real_in = |text: &str| {
        let has = |form: &Vec<u8>| std::str::from_utf8(form).is_ok_and(|form| text.contains(form));
        real.iter().find(|(_, forms)| forms.iter().any(has)).map(|(name, _)| *name)
    };
    let configs = own.configs.iter().filter_map(|config| compose.configs.get(&config.source));
    let volumes = own.volumes.iter().filter_map(|mount| compose.volumes.get(mount.source.as_ref()?));
    let more = configs.chain(volumes).flat_map(|definition| &definition.said);
    for one in own.said.iter().chain(more) {
        let head = one.field.split('.').next().unwrap_or_default();
        let (field, text) = (&one.field, one.text.as_str());
        if let Some(name) = real_in(text) {
            return Some(told(format!("the value of the secret {name} is in `{field}` of compose.yaml"), &one.place));
        }
        if ELSEWHERE.contains(&head) {
            continue;
        }
        if let Some(found) = in_command(text) {
            return Some(told(format!("{} is in `{field}` of compose.yaml", found.what), &one.place));
        }
        let key = field.rsplit('.').find(|part| part.parse::<u32>().is_err()).unwrap_or_default();
        let pairs = text.split([',', ';', ' ', '\n']).filter_map(|pair| pair.split_once('='));
        let mut named = [(key, text)].into_iter().chain(pairs);
        // A build may want a value of any kind, and be given a word.
        if let Some((name, _)) = named.find(|(name, value)| is_secret_name(&name.replace('-', "_")) && is_value(value))
        {
            let what = format!("in `{field}` of compose.yaml, {name} has a secret's name and a value");
            return Some(told(what, &one.place));
        }
    }
    let (name, _) = image.config.env.iter().find_map(|(variable, value)| Some((variable, real_in(value)?)))?;
    let place = blame::variable_of_stage(&role.target, name);
    let place = place.unwrap_or_else(|| blame::environment(&lab.subject, &role.target, name));
    Some(told(format!("the value of a declared secret is in {name} of the image's environment"), &place))
}

/// The secrets of a service whose files are there, each in the forms in which its value is found again. A short one, and one
/// that is a word such as `postgres`, stands anywhere by chance.
fn real_secrets<'a>(lab: &'a Lab, service: &'a ComposeService) -> Vec<(&'a str, Vec<Vec<u8>>)> {
    const SHORTEST: usize = 8;
    let found = service.secrets.iter().filter_map(|secret| {
        let file = lab.subject.compose.secrets.get(&secret.source)?.file_path.as_ref()?;
        let value = text::read_text(file, text::SMALL).ok()?;
        let value = value.trim();
        let is_word = !(value.contains(char::is_alphabetic) && value.contains(|c: char| c.is_ascii_digit()));
        (value.len() >= SHORTEST && !is_word).then(|| (secret.source.as_str(), forms(value)))
    });
    found.collect()
}

/// A secret in what compose.yaml gives to an installation's container.
fn in_container(lab: &Lab, role: &RoleSubject) -> Option<Verdict> {
    let service = lab.subject.service(role);
    let at = |what: String, field: &str| fail(what).expected(REFERENCE).at_place(service.at(field));
    let variables = secret_variables(lab, role);
    if let Some(name) = variables.iter().next() {
        let what = format!("{}: compose.yaml gives the variable {name} a secret's value", role.name);
        return Some(at(what, &format!("environment.{name}")));
    }
    let taints = Taints::declared(lab);
    let tainted = compose::read(&lab.subject.folder, &taints.environment()).ok()?;
    let tainted = tainted.services.get(&service.name)?;
    texts(tainted).into_iter().find_map(|(field, text)| {
        let name = taints.secret_in(&text)?;
        Some(at(format!("{}: the value of the secret {name} is in `{field}`", role.name), field))
    })
}

/// The variables of an installation's container that hold a secret, by their name or by where their value comes from.
pub(super) fn secret_variables(lab: &Lab, role: &RoleSubject) -> BTreeSet<String> {
    let service = lab.subject.service(role);
    let names = names(lab);
    let own =
        service.settings.environment.iter().filter(|(_, value)| value.as_ref().is_none_or(|value| !value.is_empty()));
    let own = own.map(|(name, _)| name).chain(&service.environment_from_host);
    let mut found: BTreeSet<String> = own.filter(|name| names.contains(name.as_str())).cloned().collect();
    let taints = Taints::declared(lab);
    if let Ok(tainted) = compose::read(&lab.subject.folder, &taints.environment())
        && let Some(tainted) = tainted.services.get(&service.name)
    {
        let holds = |value: &Option<String>| value.as_ref().is_some_and(|value| taints.secret_in(value).is_some());
        found.extend(
            tainted.settings.environment.iter().filter(|(_, value)| holds(value)).map(|(name, _)| name.clone()),
        );
    }
    found
}

/// Whether a variable is a declared secret's own.
pub(super) fn is_secret_variable(lab: &Lab, name: &str) -> bool {
    names(lab).contains(name)
}

/// What an image starts by, and is looked at by.
fn starts(image: &ImageInfo) -> [(&'static str, String); 3] {
    let config = &image.config;
    let health = config.healthcheck.as_ref().and_then(|check| check.test.as_ref()).map(HealthTest::command);
    [
        ("command", config.cmd.join(" ")),
        ("entrypoint", config.entrypoint.join(" ")),
        ("healthcheck", health.unwrap_or_default()),
    ]
}

/// What else of a service is written into its container's description, by field.
fn texts(service: &ComposeService) -> Vec<(&'static str, String)> {
    let words = |words: &Option<Vec<String>>| words.as_ref().map_or_else(String::new, |words| words.join(" "));
    let health = service.settings.healthcheck.as_ref().and_then(|check| check.test.as_ref()).map(HealthTest::command);
    vec![
        ("command", words(&service.settings.command)),
        ("entrypoint", words(&service.settings.entrypoint)),
        ("healthcheck", health.unwrap_or_default()),
    ]
}
