//! `installation.no-secret`: a secret is a reference, never a value.

use std::collections::BTreeSet;

use super::installation::{env_line, is_of_service};
use super::taint::service_leaks;
use crate::compose::{self, HealthTest, Service};
use crate::engine::ImageInfo;
use crate::project::EnvName;
use crate::subject::RoleSubject;
use crate::verify::bench::{Bench, Checked};
use crate::verify::outcome::{Verdict, fail, inconclusive, pass, skipped};
use crate::verify::taint::{Taints, leaks};

/// What a secret is instead of a value.
const REFERENCE: &str = "a secret is a file that compose.yaml mounts, and NAME_FILE says where it is";

/// `installation.no-secret`.
pub(super) async fn no_secret(bench: &Bench) -> Checked {
    let service = bench.image("service")?;
    let (mut secrets, mut count) = (0, 0);
    for role in bench.subject.installations() {
        let image = bench.image(&role.name)?;
        if !is_of_service(bench, role, image, service)? {
            return Ok(skipped(format!(
                "{} is not made from the service image, which installation.extends-service tells",
                role.name
            )));
        }
        if let Some(verdict) = in_config(bench, role, service, image).or_else(|| in_container(bench, role)) {
            return Ok(verdict);
        }
        let of_service = service_leaks(bench).await?;
        let found = leaks(bench, role, image).await?;
        let own = found.found.iter().filter(|leak| leak.taint.is_secret());
        // What is in the service image already is service.no-secret's to tell.
        let mut own = own.filter(|leak| !of_service.found.iter().any(|other| other.taint.name == leak.taint.name));
        if let Some(leak) = own.next() {
            return Ok(fail(format!("{}: {} is in {}", role.name, leak.taint.shown(), leak.place))
                .expected(REFERENCE)
                .at(role.target.file.clone(), leak.line));
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
fn names(bench: &Bench) -> BTreeSet<&str> {
    let deployments = &bench.subject.project.deployments;
    deployments.iter().flat_map(|deployment| &deployment.secrets).map(EnvName::as_str).collect()
}

/// A secret's own variable among those that an installation's image adds to the service's.
fn in_config(bench: &Bench, role: &RoleSubject, service: &ImageInfo, image: &ImageInfo) -> Option<Verdict> {
    let name = names(bench).into_iter().find(|name| {
        let value = image.config.env_value(name);
        value.is_some_and(|value| !value.is_empty()) && value != service.config.env_value(name)
    })?;
    let line = env_line(role, name).unwrap_or(role.target.line());
    Some(
        fail(format!("{}: the secret {name} is a value in the image's environment", role.name))
            .expected(REFERENCE)
            .at(role.target.file.clone(), line),
    )
}

/// A secret in what compose.yaml gives to an installation's container.
fn in_container(bench: &Bench, role: &RoleSubject) -> Option<Verdict> {
    let service = bench.subject.service(role);
    let at = |what: String, field: &str| {
        fail(what).expected(REFERENCE).at(bench.subject.compose_file(), service.at(field).line)
    };
    let variables = secret_variables(bench, role);
    if let Some(name) = variables.iter().next() {
        let what = format!("{}: compose.yaml gives the variable {name} a secret's value", role.name);
        return Some(at(what, &format!("environment.{name}")));
    }
    let taints = Taints::declared(bench);
    let tainted = compose::read(&bench.subject.folder, &taints.environment()).ok()?;
    let tainted = tainted.services.get(&service.name)?;
    texts(tainted).into_iter().find_map(|(field, text)| {
        let name = taints.secret_in(&text)?;
        Some(at(format!("{}: the value of the secret {name} is in `{field}`", role.name), field))
    })
}

/// The variables of an installation's container that hold a secret, by their name or by where their value comes from.
pub(super) fn secret_variables(bench: &Bench, role: &RoleSubject) -> BTreeSet<String> {
    let service = bench.subject.service(role);
    let names = names(bench);
    let own = service.environment.iter().filter(|(_, value)| value.as_ref().is_none_or(|value| !value.is_empty()));
    let own = own.map(|(name, _)| name).chain(&service.environment_from_host);
    let mut found: BTreeSet<String> = own.filter(|name| names.contains(name.as_str())).cloned().collect();
    let taints = Taints::declared(bench);
    if let Ok(tainted) = compose::read(&bench.subject.folder, &taints.environment())
        && let Some(tainted) = tainted.services.get(&service.name)
    {
        let holds = |value: &Option<String>| value.as_ref().is_some_and(|value| taints.secret_in(value).is_some());
        found.extend(tainted.environment.iter().filter(|(_, value)| holds(value)).map(|(name, _)| name.clone()));
    }
    found
}

/// Whether a variable is a declared secret's own.
pub(super) fn is_secret_variable(bench: &Bench, name: &str) -> bool {
    names(bench).contains(name)
}

/// What else of a service is written into its container's description, by field.
fn texts(service: &Service) -> Vec<(&'static str, String)> {
    let words = |words: &Option<Vec<String>>| words.as_ref().map_or_else(String::new, |words| words.join(" "));
    let health = match service.healthcheck.as_ref().and_then(|check| check.test.as_ref()) {
        Some(HealthTest::Exec(words)) => words.join(" "),
        Some(HealthTest::Shell(line)) => line.clone(),
        Some(HealthTest::None) | None => String::new(),
    };
    let labels: Vec<&str> = service.labels.values().map(String::as_str).collect();
    vec![
        ("command", words(&service.command)),
        ("entrypoint", words(&service.entrypoint)),
        ("healthcheck", health),
        ("labels", labels.join(" ")),
    ]
}
