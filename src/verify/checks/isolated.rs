//! `test.isolated-env`: the test container's environment is the test role's, not a deployment's and not the host's.

use crate::compose::ComposeService;
use crate::dockerfile::InstructionKind;
use crate::gate;
use crate::lab::host::{elsewhere, env_file, interpolated};
use crate::lab::proc::{Environ, adds_to};
use crate::lab::suite::suite;
use crate::lab::taint::is_telling;
use crate::lab::{Lab, blame, if_possible};
use crate::project::Deployment;
use crate::subject::RoleSubject;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, pass};

/// `test.isolated-env`.
pub(super) async fn isolated_env(lab: &Lab) -> Checked {
    let role = lab.role("test")?;
    let image = lab.container_image("test")?;
    let service = lab.subject.service(role);
    let mut env: Environ = image.config.env.iter().cloned().collect();
    for (name, value) in &service.settings.environment {
        match value {
            Some(value) => env.insert(name.clone(), value.clone()),
            None => env.remove(name),
        };
    }
    let declared = lab.subject.project.roles.test.env.iter();
    // What the service has already is no deployment's, or service.no-deployment-env tells it.
    let usual = lab.image("service").map(|service| service.config.env.iter().cloned().collect());
    let given = Given {
        deployments: &lab.subject.project.deployments,
        declared: declared.map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        of_service: usual.unwrap_or_default(),
    };
    let told = |(name, what): (String, String)| at(lab, role, &name, fail(what));
    let verdict = from_host(lab, role)
        .or_else(|| given.of_deployments(&env).map(told))
        .or_else(|| files_of_deployments(lab, service))
        .or_else(|| given.undeclared(&env, |found, wanted| found == wanted).map(told));
    if let Some(verdict) = verdict {
        return Ok(verdict);
    }
    // A command may set more before its program starts.
    let suite = if_possible(suite(lab).await)?;
    for env in suite.iter().flat_map(|suite| &suite.environs).flatten() {
        if let Some((_, what)) = given.of_deployments(env).or_else(|| given.undeclared(env, adds_to)) {
            let what = format!("in the process that its command starts, {what}");
            return Ok(fail(what).expected(EXPECTED).at_place(&blame::command(&lab.subject, role)));
        }
    }
    let what = match given.declared.len() {
        0 => "nothing is declared for the test role".to_owned(),
        1 => format!(
            "{} has the value that is declared for the test role",
            given.declared.keys().next().expect("there is one")
        ),
        count => format!("{count} variables have the values that are declared for the test role"),
    };
    Ok(pass(format!("{what}; no deployment's value and nothing of the host's is in its environment")))
}

const EXPECTED: &str =
    "the environment that is declared for the test role, whatever deployments declare and the host has";

/// The line that gives the container a variable: in compose.yaml, or in the Dockerfile.
fn at(lab: &Lab, role: &RoleSubject, name: &str, verdict: Verdict) -> Verdict {
    let service = lab.subject.service(role);
    let verdict = verdict.expected(EXPECTED);
    if service.settings.environment.contains_key(name) {
        let place = service.at(&format!("environment.{name}"));
        return verdict.at(lab.subject.shown(&place.file), place.line);
    }
    verdict.at_place(&blame::environment(&lab.subject, &role.target, name))
}

/// What the description gives containers.
struct Given<'a> {
    deployments: &'a [Deployment],
    /// For the test role.
    declared: Environ,
    /// What the service's image has.
    of_service: Environ,
}

impl Given<'_> {
    /// A declared variable whose value is not kept, and what there is to say.
    fn undeclared(&self, env: &Environ, keeps: fn(&str, &str) -> bool) -> Option<(String, String)> {
        let kept = |name: &String, value: &String| env.get(name).is_some_and(|found| keeps(found, value));
        let (name, wanted) = self.declared.iter().find(|(name, value)| !kept(name, value))?;
        let what = match env.get(name) {
            Some(found) => format!("{name} is {found:?}, and {wanted:?} is declared for the test role"),
            None => format!("{name} is declared for the test role, and is not set"),
        };
        Some((name.clone(), what))
    }

    /// Whether a value is one that tests and deployments may well have in common: a number, a path or a setting's usual
    /// word, and no deployment's name.
    fn is_usual(&self, name: &str, value: &str) -> bool {
        let value = value.to_lowercase();
        let names = |one: &Deployment| value.contains(one.name.as_str()) || one.name.as_str().starts_with(&value);
        gate::is_ordinary(name, &value) && !self.deployments.iter().any(names)
    }

    /// A variable that has a deployment's value under its name; or under another, where it is not a word that stands there
    /// by chance.
    fn of_deployments(&self, env: &Environ) -> Option<(String, String)> {
        for deployment in self.deployments {
            for (name, value) in values(deployment).iter().filter(|(_, value)| !value.is_empty()) {
                let has = |(other, found): &(&String, &String)| {
                    let named = *other == name && !self.is_usual(name, value) || is_telling(value);
                    named && *found == value && self.declared.get(*other) != Some(*found)
                };
                let mut found = env.iter().filter(|(other, found)| self.of_service.get(*other) != Some(*found));
                if let Some((other, _)) = found.find(has) {
                    let what = if other == name {
                        format!("{name} has the value of the deployment {}", deployment.name)
                    } else {
                        format!("{other} has the value that the deployment {} gives {name}", deployment.name)
                    };
                    return Some((other.clone(), what));
                }
            }
        }
        None
    }
}

/// A deployment's variables, and where its secrets are.
fn values(deployment: &Deployment) -> Vec<(String, String)> {
    let env = deployment.env.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    env.chain(deployment.secrets.iter().map(|name| (name.file_variable().to_string(), name.secret_file()))).collect()
}

/// Files of a deployment's that compose.yaml gives the container: as environment, or as secrets.
fn files_of_deployments(lab: &Lab, service: &ComposeService) -> Option<Verdict> {
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
    if let Some((file, why)) = env_file(&lab.subject.folder, service) {
        let what =
            format!("the host decides its environment: the environment file {} {why}", lab.subject.shown(&file.path));
        return Some(fail(what).expected(EXPECTED).at(lab.subject.shown(&file.place.file), file.place.line));
    }
    let other = elsewhere(&lab.subject, service)?;
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
        InstructionKind::Env(pairs) => {
            pairs.iter().find(|(_, value)| interpolated(value).contains(arg)).map(|(name, _)| name.clone())
        }
        _ => None,
    })
}
