//! `test.isolated-env`: the test container's environment is the test role's, not a deployment's and not the host's.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose::{self, Service};
use crate::dockerfile::Kind;
use crate::lab::host::interpolated;
use crate::lab::taint::is_telling;
use crate::lab::{Lab, blame};
use crate::project::Deployment;
use crate::subject::RoleSubject;
use crate::text;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, pass};

/// `test.isolated-env`.
pub(super) fn isolated_env(lab: &Lab) -> Checked {
    let role = lab.role("test")?;
    let image = lab.container_image("test")?;
    let service = lab.subject.service(role);
    // What the service has already is no deployment's, or service.no-deployment-env tells it.
    let of_service: BTreeMap<&str, &str> = lab
        .image("service")
        .map(|service| service.config.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
        .unwrap_or_default();
    let mut env: BTreeMap<&str, &str> =
        image.config.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for (name, value) in &service.settings.environment {
        match value {
            Some(value) => env.insert(name, value),
            None => env.remove(name.as_str()),
        };
    }
    let declared: BTreeMap<&str, &str> =
        lab.subject.project.roles.test.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let verdict = from_host(lab, role)
        .or_else(|| of_deployments(lab, role, &env, &declared, &of_service))
        .or_else(|| files_of_deployments(lab, service))
        .or_else(|| undeclared(lab, role, &env, &declared));
    Ok(verdict.unwrap_or_else(|| {
        let what = match declared.len() {
            0 => "nothing is declared for the test role".to_owned(),
            1 => format!("{} is as declared for the test role", declared.keys().next().expect("there is one")),
            count => format!("{count} variables are as declared for the test role"),
        };
        pass(format!("{what}; no deployment's value and nothing of the host's is in its environment"))
    }))
}

const EXPECTED: &str =
    "the environment that is declared for the test role, whatever deployments declare and the host has";

/// The line that gives the container a variable: in compose.yaml, or in the Dockerfile.
fn at(lab: &Lab, role: &RoleSubject, name: &str, verdict: Verdict) -> Verdict {
    let service = lab.subject.service(role);
    let verdict = verdict.expected(EXPECTED);
    if service.settings.environment.contains_key(name) {
        let field = format!("environment.{name}");
        let own = service.places.get(&field);
        // What environment does not name is in a file that env_file names.
        let place = own.or_else(|| service.env_files.last().map(|file| &file.place));
        let place = place.unwrap_or_else(|| service.at(&field));
        return verdict.at(lab.subject.shown(&place.file), place.line);
    }
    verdict.at_place(&blame::environment(&lab.subject, &role.target, name))
}

fn undeclared(
    lab: &Lab,
    role: &RoleSubject,
    env: &BTreeMap<&str, &str>,
    declared: &BTreeMap<&str, &str>,
) -> Option<Verdict> {
    let (name, wanted) = declared.iter().find(|(name, value)| env.get(*name) != Some(*value))?;
    let what = match env.get(name) {
        Some(found) => format!("{name} is {found:?}, and {wanted:?} is declared for the test role"),
        None => format!("{name} is declared for the test role, and is not set"),
    };
    Some(at(lab, role, name, fail(what)))
}

/// A deployment's value under its name; or under another, where it is not a word that stands there by chance.
fn of_deployments(
    lab: &Lab,
    role: &RoleSubject,
    env: &BTreeMap<&str, &str>,
    declared: &BTreeMap<&str, &str>,
    of_service: &BTreeMap<&str, &str>,
) -> Option<Verdict> {
    for deployment in &lab.subject.project.deployments {
        for (name, value) in values(deployment).iter().filter(|(_, value)| !value.is_empty()) {
            let has = |(other, found): &(&&str, &&str)| {
                let named = **other == name.as_str() || is_telling(value);
                named && **found == value.as_str() && declared.get(**other) != Some(*found)
            };
            let mut found = env.iter().filter(|(other, found)| of_service.get(**other) != Some(*found));
            if let Some((other, _)) = found.find(has) {
                let what = if *other == name.as_str() {
                    format!("{name} has the value of the deployment {}", deployment.name)
                } else {
                    format!("{other} has the value that the deployment {} gives {name}", deployment.name)
                };
                return Some(at(lab, role, other, fail(what)));
            }
        }
    }
    None
}

/// A deployment's variables, and where its secrets are.
fn values(deployment: &Deployment) -> Vec<(String, String)> {
    let env = deployment.env.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    env.chain(deployment.secrets.iter().map(|name| (name.file_variable().to_string(), name.secret_file()))).collect()
}

/// Files of a deployment's that compose.yaml gives the container: as environment, or as secrets.
fn files_of_deployments(lab: &Lab, service: &Service) -> Option<Verdict> {
    // A deployment that is called so is where tests run.
    let deployments = lab.subject.project.deployments.iter().map(|one| one.name.as_str());
    let names: Vec<&str> = deployments.filter(|name| *name != "test").collect();
    let of = |path: &std::path::Path| {
        let path = lab.subject.shown(path).to_lowercase();
        let mut words = path.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.any(|word| names.contains(&word)).then_some(path.clone())
    };
    let env = service.env_files.iter().filter_map(|file| Some((of(&file.path)?, &file.place)));
    let secrets = service.secrets.iter().filter_map(|secret| {
        let definition = lab.subject.compose.secrets.get(&secret.source)?;
        Some((of(definition.file_path.as_deref()?)?, &secret.place))
    });
    let (file, place) = env.chain(secrets).next()?;
    let verdict = fail(format!("compose.yaml gives the test container {file}, which is a deployment's"));
    Some(verdict.expected(EXPECTED).at(lab.subject.shown(&place.file), place.line))
}

/// What another host would change.
fn from_host(lab: &Lab, role: &RoleSubject) -> Option<Verdict> {
    let service = lab.subject.service(role);
    if let Some(name) = service.environment_from_host.first() {
        return Some(at(lab, role, name, fail(format!("the host decides what {name} is"))));
    }
    // The same file read on a host where every variable that it could mean is something else.
    let compose = &lab.subject.compose;
    let files = compose.files.iter().chain(service.env_files.iter().map(|file| &file.path));
    let texts = files.filter_map(|file| text::read_text(file, text::SMALL).ok());
    let mut names: BTreeSet<String> = texts.flat_map(|text| interpolated(&text)).collect();
    names.extend(compose.interpolated.iter().map(|one| one.name.clone()));
    let hostile = names.into_iter().map(|name| (name, "4242".to_owned())).collect();
    let other = compose::read(&lab.subject.folder, &hostile).ok()?;
    let other = other.services.get(&service.name)?;
    let changed =
        service.settings.environment.iter().find(|(name, value)| other.settings.environment.get(*name) != Some(*value));
    if let Some((name, _)) = changed {
        return Some(at(lab, role, name, fail(format!("the host's environment decides what {name} is"))));
    }
    let (build, other) = (service.build.as_ref()?, other.build.as_ref()?);
    let taken = |arg: &str| taking(role, arg);
    let (name, arg) = build.args.iter().find_map(|(arg, value)| {
        let differs = other.args.get(arg) != Some(value) || value.is_none();
        differs.then(|| taken(arg)).flatten().map(|name| (name, arg))
    })?;
    let what = format!("the host's environment decides the build argument {arg}, which {name} takes its value from");
    let place = service.at(&format!("build.args.{arg}"));
    Some(fail(what).expected(EXPECTED).at(lab.subject.shown(&place.file), place.line))
}

/// The variable that an ENV on the way to a role's stage gives a build argument's value.
fn taking(role: &RoleSubject, arg: &str) -> Option<String> {
    let dockerfile = &role.target.dockerfile;
    dockerfile.chain(role.target.stage).into_iter().find_map(|(_, one)| match &one.kind {
        Kind::Env(pairs) => {
            pairs.iter().find(|(_, value)| interpolated(value).contains(arg)).map(|(name, _)| name.clone())
        }
        _ => None,
    })
}
