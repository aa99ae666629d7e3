//! `installation.no-secret`: a secret is a reference, never a value.

use std::collections::BTreeSet;

use crate::compose::{self, Service};
use crate::engine::ImageInfo;
use crate::lab::lineage::is_of_service;
use crate::lab::taint::{Leak, Taints, in_value, leaks, service_leaks};
use crate::lab::{Lab, blame};
use crate::project::EnvName;
use crate::spec::HealthTest;
use crate::subject::RoleSubject;
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
        let own = |leak: &&&Leak| !of_service.found.iter().any(|other| other.taint.name == leak.taint.name);
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

/// A secret within a value that is declared, or that compose.yaml gives: the password of an address, a key, a token.
fn in_values(lab: &Lab, role: &RoleSubject, service: &ImageInfo, image: &ImageInfo) -> Option<Verdict> {
    let of_service = |name: &str| service.config.env_value(name);
    let added = image.config.env.iter().filter(|(name, value)| of_service(name) != Some(value.as_str()));
    let found = added.into_iter().find_map(|(name, value)| Some((name, in_value(value)?)));
    if let Some((name, found)) = found {
        let what = format!("{}: {} is in the value of {name} in the image's environment", role.name, found.what);
        let place = blame::value(&role.target, &found.text).or_else(|| blame::variable_of_stage(&role.target, name));
        let place = place.unwrap_or_else(|| blame::environment(&lab.subject, &role.target, name));
        return Some(fail(what).expected(REFERENCE).at_place(&place));
    }
    let own = lab.subject.service(role);
    let mut given = own.settings.environment.iter();
    let (name, found) = given.find_map(|(name, value)| Some((name, in_value(value.as_deref()?)?)))?;
    let what = format!("{}: {} is in the value that compose.yaml gives {name}", role.name, found.what);
    let place = own.places.get(&format!("environment.{name}"));
    let place = place.or_else(|| own.env_files.last().map(|file| &file.place)).unwrap_or_else(|| own.at("environment"));
    Some(fail(what).expected(REFERENCE).at_place(place))
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

/// What else of a service is written into its container's description, by field.
fn texts(service: &Service) -> Vec<(&'static str, String)> {
    let words = |words: &Option<Vec<String>>| words.as_ref().map_or_else(String::new, |words| words.join(" "));
    let health = service.settings.healthcheck.as_ref().and_then(|check| check.test.as_ref()).map(HealthTest::command);
    let labels: Vec<&str> = service.settings.labels.values().map(String::as_str).collect();
    vec![
        ("command", words(&service.settings.command)),
        ("entrypoint", words(&service.settings.entrypoint)),
        ("healthcheck", health.unwrap_or_default()),
        ("labels", labels.join(" ")),
    ]
}
