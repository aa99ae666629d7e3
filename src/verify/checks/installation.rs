//! installation.

use std::collections::{BTreeMap, BTreeSet};

use super::secrets::{is_secret_variable, secret_variables};
use crate::compose;
use crate::dockerfile::Kind;
use crate::engine::ImageInfo;
use crate::lab::host::interpolated;
use crate::lab::lineage::is_of_service;
use crate::lab::{Lab, blame, changes};
use crate::subject::RoleSubject;
use crate::text::{self, listed};
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// The diff id of a layer that holds nothing: an empty tar archive.
const EMPTY_LAYER: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// `installation.extends-service`.
pub(super) async fn extends_service(lab: &Lab) -> Checked {
    let service = lab.image("service")?;
    let mut count = 0;
    for role in lab.subject.installations() {
        let image = lab.image(&role.name)?;
        let at = |verdict: Verdict, line| {
            Ok(verdict.expected("the service image's layers, and no other").at(role.target.file.clone(), line))
        };
        if !is_of_service(lab, role, image, service)? {
            return at(fail(format!("{} is not made from the service image", role.name)), role.target.line());
        }
        if image.layers[service.layers.len()..].iter().all(|layer| layer == EMPTY_LAYER) {
            count += 1;
            continue;
        }
        // A layer can hold nothing but what was there already.
        let (before, after) = (lab.tree(&service.id).await?, lab.tree(&image.id).await?);
        let changes = changes(&before, &after);
        if !changes.is_empty() {
            let shown = listed(&changes, 5);
            let line = blame::layer(&role.target).map_or(role.target.line(), |place| place.line);
            return at(fail(format!("{} changes files of the service: {shown}", role.name)), line);
        }
        count += 1;
    }
    Ok(pass(format!(
        "{count} installation{}: the service image and configuration only",
        if count == 1 { "" } else { "s" }
    )))
}

/// `installation.env-complete`.
pub(super) fn env_complete(lab: &Lab) -> Checked {
    let service = lab.image("service")?;
    let mut count = 0;
    for role in lab.subject.installations() {
        let image = lab.image(&role.name)?;
        if !is_of_service(lab, role, image, service)? {
            return Ok(inconclusive(format!("{} is not made from the service image", role.name)));
        }
        if let Some(verdict) = env_of_image(lab, role, service, image).or_else(|| env_of_container(lab, role)) {
            return Ok(verdict.by_itself());
        }
        count += role.deployment.as_ref().map_or(0, |deployment| deployment.env.len() + deployment.secrets.len());
    }
    Ok(pass(format!(
        "{count} declared {} set, nothing else is, and the host's environment changes none",
        if count == 1 { "variable is" } else { "variables are" }
    )))
}

/// What the deployment declares: its variables, and where its secrets are.
fn declared(role: &RoleSubject) -> BTreeMap<String, String> {
    let Some(deployment) = &role.deployment else { return BTreeMap::new() };
    let env = deployment.env.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let secrets = deployment.secrets.iter().map(|name| (name.file_variable().to_string(), name.secret_file()));
    env.chain(secrets).collect()
}

fn env_of_image(lab: &Lab, role: &RoleSubject, service: &ImageInfo, image: &ImageInfo) -> Option<Verdict> {
    let declared = declared(role);
    let before: BTreeMap<&str, &str> =
        service.config.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let now: BTreeMap<&str, &str> =
        image.config.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let names: BTreeSet<&str> =
        before.keys().chain(now.keys()).copied().chain(declared.keys().map(String::as_str)).collect();
    for name in names {
        let wanted = declared.get(name).map(String::as_str).or(before.get(name).copied());
        let found = now.get(name).copied();
        // A secret's own variable is installation.no-secret's to tell.
        if wanted == found || is_secret_variable(lab, name) {
            continue;
        }
        let is_declared = declared.contains_key(name);
        let what = match (is_declared, wanted, found) {
            (true, _, None) => format!("{name} is declared for the deployment, and is not set"),
            // A secret's place may be another, as long as it is a reference.
            (true, _, Some(found))
                if role
                    .deployment
                    .as_ref()
                    .is_some_and(|one| one.secrets.iter().any(|secret| secret.file_variable().as_str() == name))
                    && found.starts_with('/') =>
            {
                continue;
            }
            (true, Some(wanted), Some(found)) => format!("{name} is {found:?}, and {wanted:?} is declared"),
            (false, None, Some(_)) => format!("{name} is set, and neither the service nor the deployment declares it"),
            _ => format!("{name} is not what the service has, and the deployment does not declare it"),
        };
        let line = blame::variable_of_stage(&role.target, name).map_or(role.target.line(), |place| place.line);
        return Some(
            fail(format!("{}: {what}", role.name))
                .expected("the service's environment and the deployment's declaration")
                .at(role.target.file.clone(), line),
        );
    }
    None
}

/// What compose.yaml adds to it, and whether another host would add something else.
fn env_of_container(lab: &Lab, role: &RoleSubject) -> Option<Verdict> {
    let service = lab.subject.service(role);
    let at = |what: String, field: &str| {
        let expected = "the environment is the image's; nothing comes from compose.yaml or from the host";
        fail(what).expected(expected).at_place(service.at(field))
    };
    let secrets = secret_variables(lab, role);
    if let Some(name) = service.environment_from_host.iter().find(|name| !secrets.contains(*name)) {
        return Some(at(format!("{}: the host decides what {name} is", role.name), &format!("environment.{name}")));
    }
    let declared = declared(role);
    for (name, value) in &service.settings.environment {
        if value.as_deref() != declared.get(name).map(String::as_str) && !secrets.contains(name) {
            let what = format!("{}: compose.yaml sets {name}, which the deployment does not declare so", role.name);
            return Some(at(what, &format!("environment.{name}")));
        }
    }
    // The same file read on a host where every variable that it could mean is something else.
    let text = text::read_text(&lab.subject.compose.file, text::SMALL).unwrap_or_default();
    let hostile = interpolated(&text).into_iter().map(|name| (name, "4242".to_owned())).collect();
    let Ok(other) = compose::read(&lab.subject.folder, &hostile) else { return None };
    let other = other.services.get(&service.name)?;
    for (name, value) in &service.settings.environment {
        if other.settings.environment.get(name) != Some(value) && !secrets.contains(name) {
            let what = format!("{}: the host's environment decides what {name} is", role.name);
            return Some(at(what, &format!("environment.{name}")));
        }
    }
    // Build arguments may come from the host, a revision for a label say, as long as no variable takes its value there.
    let (Some(build), Some(other)) = (&service.build, &other.build) else { return None };
    let changed = build.args.iter().find(|(name, value)| other.args.get(*name) != Some(*value) && sets_env(role, name));
    changed.map(|(name, _)| {
        at(
            format!("{}: the host's environment decides the build argument {name}, which an ENV takes", role.name),
            "build",
        )
    })
}

/// Whether an ENV on the way to a role's stage takes its value from a build argument.
fn sets_env(role: &RoleSubject, arg: &str) -> bool {
    let dockerfile = &role.target.dockerfile;
    let stages = dockerfile.ancestry(role.target.stage);
    let mut instructions = stages.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    instructions.any(
        |one| matches!(&one.kind, Kind::Env(pairs) if pairs.iter().any(|(_, value)| interpolated(value).contains(arg))),
    )
}
