//! `test.isolated-env`: the test container's environment is the test role's, not a deployment's and not the host's.

use std::collections::{BTreeMap, BTreeSet};

use super::installation::interpolated;
use super::taint::is_telling;
use crate::compose::{self, Service};
use crate::dockerfile::Kind;
use crate::project::Deployment;
use crate::subject::RoleSubject;
use crate::verify::bench::{Bench, Checked};
use crate::verify::outcome::{Verdict, fail, pass};

/// `test.isolated-env`.
pub(super) fn isolated_env(bench: &Bench) -> Checked {
    let role = bench.role("test")?;
    let image = bench.container_image("test")?;
    let service = bench.subject.service(role);
    // What the service has already is no deployment's, or service.no-deployment-env tells it.
    let of_service: BTreeMap<&str, &str> = bench
        .image("service")
        .map(|service| service.config.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
        .unwrap_or_default();
    let mut env: BTreeMap<&str, &str> =
        image.config.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for (name, value) in &service.environment {
        match value {
            Some(value) => env.insert(name, value),
            None => env.remove(name.as_str()),
        };
    }
    let declared: BTreeMap<&str, &str> =
        bench.subject.project.roles.test.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let verdict = from_host(bench, role)
        .or_else(|| of_deployments(bench, role, &env, &declared, &of_service))
        .or_else(|| files_of_deployments(bench, service))
        .or_else(|| undeclared(bench, role, &env, &declared));
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
fn at(bench: &Bench, role: &RoleSubject, name: &str, verdict: Verdict) -> Verdict {
    let service = bench.subject.service(role);
    let verdict = verdict.expected(EXPECTED);
    if service.environment.contains_key(name) {
        let field = format!("environment.{name}");
        let own = service.places.get(&field);
        // What environment does not name is in a file that env_file names.
        let place = own.or_else(|| service.env_files.last().map(|file| &file.place));
        let place = place.unwrap_or_else(|| service.at(&field));
        return verdict.at(bench.subject.shown(&place.file), place.line);
    }
    verdict.at(role.target.file.clone(), image_line(bench, role, name))
}

/// The line of the ENV that gives the image a variable; where that is an installation's, the line that starts from it.
fn image_line(bench: &Bench, role: &RoleSubject, name: &str) -> usize {
    let dockerfile = &role.target.dockerfile;
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let mut below = role.target.line();
    for stage in dockerfile.ancestry(role.target.stage) {
        let stage = &dockerfile.stages[stage];
        let own = stage.name.as_deref().unwrap_or_default();
        if bench.subject.installations().any(|installation| installation.name.eq_ignore_ascii_case(own)) {
            return below;
        }
        below = stage.line;
        let sets = |kind: &Kind| matches!(kind, Kind::Env(pairs) if pairs.iter().any(|(key, _)| key == name));
        if let Some(env) = stage.instructions.iter().rev().find(|one| sets(&one.kind)) {
            let named = |line: &usize| lines.get(line - 1).is_some_and(|text| text.contains(name));
            return (env.line..=env.end_line).find(named).unwrap_or(env.line);
        }
    }
    role.target.line()
}

fn undeclared(
    bench: &Bench,
    role: &RoleSubject,
    env: &BTreeMap<&str, &str>,
    declared: &BTreeMap<&str, &str>,
) -> Option<Verdict> {
    let (name, wanted) = declared.iter().find(|(name, value)| env.get(*name) != Some(*value))?;
    let what = match env.get(name) {
        Some(found) => format!("{name} is {found:?}, and {wanted:?} is declared for the test role"),
        None => format!("{name} is declared for the test role, and is not set"),
    };
    Some(at(bench, role, name, fail(what)))
}

/// A deployment's value under its name; or under another, where it is not a word that stands there by chance.
fn of_deployments(
    bench: &Bench,
    role: &RoleSubject,
    env: &BTreeMap<&str, &str>,
    declared: &BTreeMap<&str, &str>,
    of_service: &BTreeMap<&str, &str>,
) -> Option<Verdict> {
    for deployment in &bench.subject.project.deployments {
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
                return Some(at(bench, role, other, fail(what)));
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
fn files_of_deployments(bench: &Bench, service: &Service) -> Option<Verdict> {
    // A deployment that is called so is where tests run.
    let deployments = bench.subject.project.deployments.iter().map(|one| one.name.as_str());
    let names: Vec<&str> = deployments.filter(|name| *name != "test").collect();
    let of = |path: &std::path::Path| {
        let path = bench.subject.shown(path).to_lowercase();
        let mut words = path.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.any(|word| names.contains(&word)).then_some(path.clone())
    };
    let env = service.env_files.iter().filter_map(|file| Some((of(&file.path)?, &file.place)));
    let secrets = service.secrets.iter().filter_map(|secret| {
        let definition = bench.subject.compose.secrets.get(&secret.source)?;
        Some((of(definition.file_path.as_deref()?)?, &secret.place))
    });
    let (file, place) = env.chain(secrets).next()?;
    let verdict = fail(format!("compose.yaml gives the test container {file}, which is a deployment's"));
    Some(verdict.expected(EXPECTED).at(bench.subject.shown(&place.file), place.line))
}

/// What another host would change.
fn from_host(bench: &Bench, role: &RoleSubject) -> Option<Verdict> {
    let service = bench.subject.service(role);
    if let Some(name) = service.environment_from_host.first() {
        return Some(at(bench, role, name, fail(format!("the host decides what {name} is"))));
    }
    // The same file read on a host where every variable that it could mean is something else.
    let compose = &bench.subject.compose;
    let files = compose.files.iter().chain(service.env_files.iter().map(|file| &file.path));
    let texts = files.filter_map(|file| std::fs::read_to_string(file).ok());
    let mut names: BTreeSet<String> = texts.flat_map(|text| interpolated(&text)).collect();
    names.extend(compose.interpolated.iter().map(|one| one.name.clone()));
    let hostile = names.into_iter().map(|name| (name, "4242".to_owned())).collect();
    let other = compose::read(&bench.subject.folder, &hostile).ok()?;
    let other = other.services.get(&service.name)?;
    let changed = service.environment.iter().find(|(name, value)| other.environment.get(*name) != Some(*value));
    if let Some((name, _)) = changed {
        return Some(at(bench, role, name, fail(format!("the host's environment decides what {name} is"))));
    }
    let (build, other) = (service.build.as_ref()?, other.build.as_ref()?);
    let taken = |arg: &str| taking(role, arg);
    let (name, arg) = build.args.iter().find_map(|(arg, value)| {
        let differs = other.args.get(arg) != Some(value) || value.is_none();
        differs.then(|| taken(arg)).flatten().map(|name| (name, arg))
    })?;
    let what = format!("the host's environment decides the build argument {arg}, which {name} takes its value from");
    let place = service.at(&format!("build.args.{arg}"));
    Some(fail(what).expected(EXPECTED).at(bench.subject.shown(&place.file), place.line))
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
