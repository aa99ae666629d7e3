//! installation.

use std::collections::{BTreeMap, BTreeSet};

use super::secrets::{is_secret_variable, secret_variables};
use crate::dockerfile::InstructionKind;
use crate::engine::ImageInfo;
use crate::lab::at_work::settled;
use crate::lab::command::CommandLine;
use crate::lab::host::{elsewhere, env_file, interpolated};
use crate::lab::lineage::is_of_service;
use crate::lab::ports::{port_of, publish};
use crate::lab::proc::{Environ, adds_to, environs_during};
use crate::lab::taint::is_secret_name;
use crate::lab::{Lab, blame, changes, if_possible, written};
use crate::subject::RoleSubject;
use crate::text::listed;
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
            let by_layer = written::by_layer(lab, &role.target, image, &changes[0].path).await;
            let line = by_layer.or_else(|| blame::layer(&role.target)).map_or(role.target.line(), |place| place.line);
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
pub(super) async fn env_complete(lab: &Lab) -> Checked {
    let service = lab.image("service")?;
    let mut count = 0;
    for role in lab.subject.installations() {
        let image = lab.image(&role.name)?;
        if !is_of_service(lab, role, image, service)? {
            return Ok(inconclusive(format!("{} is not made from the service image", role.name)));
        }
        if let Some(verdict) = env_of_image(lab, role, service, image).or_else(|| env_of_container(lab, role)) {
            return Ok(verdict);
        }
        if let Some(verdict) = env_at_work(lab, role, service, image).await? {
            return Ok(verdict);
        }
        count += role.deployment.as_ref().map_or(0, |deployment| deployment.env.len() + deployment.secrets.len());
    }
    Ok(pass(format!(
        "{count} declared {} set, nothing else is, and the host's environment changes none",
        if count == 1 { "variable is" } else { "variables are" }
    )))
}

/// The verdict on a variable: one that is named like a secret is installation.no-secret's to report, if that fails.
fn on(name: &str, verdict: Verdict) -> Verdict {
    if is_secret_name(name) { verdict } else { verdict.by_itself() }
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
            (true, _, None) if lab.subject.service(role).settings.environment.contains_key(name) => {
                format!(
                    "only compose.yaml sets {name}, which is declared for the deployment: the image does not have it"
                )
            }
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
            _ => format!("{name} differs from the service's value, and the deployment does not declare it"),
        };
        let verdict = fail(format!("{}: {what}", role.name))
            .expected("the service's environment and the deployment's declaration");
        let place = blame::variable_of_stage(&role.target, name);
        let in_compose = lab.subject.service(role).places.get(&format!("environment.{name}"));
        let verdict = match (found, in_compose) {
            (None, Some(place)) => verdict.at(lab.subject.shown(&place.file), place.line),
            _ => verdict.at(role.target.file.clone(), place.map_or(role.target.line(), |place| place.line)),
        };
        return Some(on(name, verdict));
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
        let verdict = at(format!("{}: the host decides what {name} is", role.name), &format!("environment.{name}"));
        return Some(on(name, verdict));
    }
    if let Some((file, why)) = env_file(&lab.subject.folder, service) {
        let what = format!(
            "{}: the host decides its environment: the environment file {} {why}",
            role.name,
            lab.subject.shown(&file.path)
        );
        return Some(at(what, "env_file").at_place(&file.place).by_itself());
    }
    let declared = declared(role);
    for (name, value) in &service.settings.environment {
        if value.as_deref() != declared.get(name).map(String::as_str) && !secrets.contains(name) {
            let what = format!(
                "{}: compose.yaml sets {name}, which the deployment declares differently or not at all",
                role.name
            );
            return Some(on(name, at(what, &format!("environment.{name}"))));
        }
    }
    let other = elsewhere(&lab.subject, service)?;
    let other = other.services.get(&service.name)?;
    for (name, value) in &service.settings.environment {
        if other.settings.environment.get(name) != Some(value) && !secrets.contains(name) {
            let what = format!("{}: the host's environment decides what {name} is", role.name);
            return Some(on(name, at(what, &format!("environment.{name}"))));
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
        .by_itself()
    })
}

/// What its command makes of its environment before the service starts.
async fn env_at_work(
    lab: &Lab,
    role: &RoleSubject,
    service: &ImageInfo,
    image: &ImageInfo,
) -> Checked<Option<Verdict>> {
    let own = lab.subject.service(role);
    let port = port_of(lab, own, image).ok();
    let started = lab.start(role, |spec| port.into_iter().for_each(|port| publish(spec, port))).await;
    let Some(scene) = if_possible(started)? else { return Ok(None) };
    // Any answer shows that it has started.
    let seen = environs_during(lab, &scene.container, settled(lab, &scene, port, |_| true)).await;
    scene.end().await;
    let Some(seen) = seen?.1 else { return Ok(None) };
    let declared = declared(role);
    let mut given: Environ = image.config.env.iter().cloned().collect();
    given.extend(own.settings.environment.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))));
    let command =
        |image: &ImageInfo, role: &RoleSubject| CommandLine::of(lab.subject.service(role), image).words.join(" ");
    let ours = command(image, role);
    // What the service's own command sets is the service's.
    let is_own = lab.role("service").is_ok_and(|other| command(service, other) != ours);
    for env in &seen {
        let is_other = |(name, value): &(&String, &String)| {
            declared.contains_key(*name) && !env.get(*name).is_some_and(|found| adds_to(found, value))
        };
        let changed = given.iter().find(is_other);
        let added = || {
            let mut new = env.keys().filter(|name| !given.contains_key(*name) && !declared.contains_key(*name));
            new.find(|name| is_own && sets(&ours, name))
        };
        let (name, what) = if let Some((name, wanted)) = changed {
            let what = match env.get(name) {
                Some(found) => format!("{name} is {found:?} when it runs, and {wanted:?} is declared"),
                None => format!("{name} is declared for the deployment, and its command removes it"),
            };
            (name, what)
        } else if let Some(name) = added() {
            (name, format!("its command sets {name}, and neither the service nor the deployment declares it"))
        } else {
            continue;
        };
        let verdict = fail(format!("{}: {what}", role.name))
            .expected("the service's environment and the deployment's declaration")
            .at_place(&blame::command(&lab.subject, role));
        return Ok(Some(on(name, verdict)));
    }
    Ok(None)
}

/// Whether a command gives a variable a value.
fn sets(command: &str, name: &str) -> bool {
    let mut found = command.match_indices(name);
    found.any(|(at, _)| {
        let before = command[..at].chars().next_back();
        command[at + name.len()..].starts_with('=')
            && before.is_none_or(|before| !before.is_alphanumeric() && !"_-".contains(before))
    })
}

/// Whether an ENV on the way to a role's stage takes its value from a build argument.
fn sets_env(role: &RoleSubject, arg: &str) -> bool {
    let dockerfile = &role.target.dockerfile;
    let stages = dockerfile.ancestry(role.target.stage);
    let mut instructions = stages.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    instructions.any(
        |one| matches!(&one.kind, InstructionKind::Env(pairs) if pairs.iter().any(|(_, value)| interpolated(value).contains(arg))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_sets_is_known_by_its_name() {
        assert!(sets("env A=1 serve", "A") && sets("sh -c A=1 serve", "A"));
        assert!(!sets("env DATA=1 serve --A=1", "A") && !sets("serve $A", "A"));
    }
}
