//! The description that a repository gets, and on what evidence.

use std::collections::BTreeMap;
use std::path::Path;

use globset::Glob;

use super::chosen::chosen;
use super::probes::{Probes, probes};
use super::repository::AdoptedRepository;
use super::roles::{AdoptedRole, RoleScene, Seen};
use crate::error::Result;
use crate::project::{
    DeclaredEnv, Deployment, DeploymentName, Description, DevTools, EnvName, ImageOverrides, Placement, PortNumber,
    ProjectPath, Reload, RoleSettings, RolesTable, ServiceKey, ServiceName, ServiceRole, ServiceSettings, StageName,
    UrlPath, Verify,
};
use crate::stacks::{Choice, Stacks};

/// What is proposed.
#[derive(Debug)]
pub struct Adoption {
    /// The description.
    pub description: Description,
    /// What it rests on, in the order of the description.
    pub evidence: Vec<Evidence>,
    /// What is left open: roles that are not there, services that it is not about.
    pub gaps: Vec<String>,
}

/// A value, and what says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The key in dockwright.toml: `roles.dev.service`.
    pub field: String,
    /// Its value.
    pub value: String,
    /// The file that says it, relative to the repository.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<usize>,
    /// Why, as a clause.
    pub rule: String,
}

/// Proposes a description of the repository in `folder`, of the compose service `asked` if the user names one.
///
/// # Errors
/// No Dockerfile is there, or compose.yaml is not what Compose would take.
pub fn propose(
    folder: &Path,
    env: &BTreeMap<String, String>,
    asked: Option<&str>,
    stacks: &Stacks,
) -> Result<Adoption> {
    let repository = AdoptedRepository::read(folder, env)?;
    let chosen = chosen(&repository, asked)?;
    let scene = RoleScene::of(&repository, &chosen);
    let gaps = repository.unread.iter().cloned().chain(repository.missing_files()).collect();
    let mut found = Found { repository: &repository, evidence: Vec::new(), gaps };
    let stack = stack(stacks, &chosen.built.context);
    let name = name(&repository, stack.as_ref().map(|(name, _)| name.as_str()), stacks)?;
    let own = chosen.service.map_or_else(|| repository.shown(&chosen.built.dockerfile), |service| service.name.clone());
    found.note("service", own, chosen.service.map(|service| &service.place), chosen.why.clone());
    if let Some((name, file)) = &stack {
        found.note("service.stack", name.clone(), None, format!("{file} is in the build context"));
    }
    let all = scene.roles();
    let dev =
        all.iter().find_map(|(name, role)| (*name == "dev").then_some(role.as_ref().ok()?.service.clone()).flatten());
    let dev = dev.and_then(|dev| repository.services().find(|service| service.name == dev));
    let probes = probes(&scene, dev);
    let mut places: BTreeMap<&str, Placement> = BTreeMap::new();
    for (name, role) in all {
        let is_there = repository.compose.as_ref().is_some_and(|compose| compose.service_for_role(name).is_some());
        places.insert(name, found.placement(name, role, is_there)?);
    }
    if !chosen.others.is_empty() {
        found.gaps.push(format!(
            "it is not about {}: `dockwright init --adopt --service NAME` adopts one of these instead",
            chosen.others.join(", ")
        ));
    }
    let (port, port_env, verify) = found.verify(probes)?;
    let mut settings =
        |role: &str| RoleSettings { place: places.remove(role).unwrap_or_default(), ..RoleSettings::default() };
    let tools = settings("dev-tools");
    let description = Description {
        service: ServiceSettings { port, port_env, ..ServiceSettings::new(name, stack.map(|(name, _)| name)) },
        images: ImageOverrides::default(),
        roles: RolesTable {
            dev: settings("dev"),
            dev_tools: DevTools {
                enabled: tools.place.enabled != Some(false),
                settings: hidden(tools),
                ..DevTools::default()
            },
            build: settings("build"),
            service: ServiceRole { settings: settings("service"), ..ServiceRole::default() },
            test: settings("test"),
            installation: settings("installation").place,
        },
        deployments: vec![Deployment {
            name: DeploymentName::production(),
            env: DeclaredEnv::new(),
            secrets: Vec::new(),
        }],
        verify,
        repository: None,
    };
    Ok(Adoption { description, evidence: found.evidence, gaps: found.gaps })
}

/// Whether dev-tools is there, [`DevTools`] says.
fn hidden(tools: RoleSettings) -> RoleSettings {
    RoleSettings { place: Placement { enabled: None, ..tools.place }, ..tools }
}

/// What was found so far.
struct Found<'a> {
    repository: &'a AdoptedRepository,
    evidence: Vec<Evidence>,
    gaps: Vec<String>,
}

impl Found<'_> {
    fn note(&mut self, field: &str, value: String, place: Option<&crate::text::Place>, rule: String) {
        let file = place.map(|place| self.repository.shown(&place.file));
        let line = place.map(|place| place.line);
        self.evidence.push(Evidence { field: field.to_owned(), value, file, line, rule });
    }

    fn seen(&mut self, table: &str, seen: Seen) -> String {
        let value = seen.value.clone();
        self.note(&format!("{table}.{}", seen.field), seen.value, seen.place.as_ref(), seen.why);
        value
    }

    /// Where a role is. One that is not there is turned off where something else has its name.
    fn placement(&mut self, name: &str, role: Result<AdoptedRole, String>, is_taken: bool) -> Result<Placement> {
        let role = match role {
            Ok(role) => role,
            Err(why) => {
                self.gaps.push(format!("the role {name} is off: {why}"));
                return Ok(Placement { enabled: is_taken.then_some(false), ..Placement::default() });
            }
        };
        let AdoptedRole { service, stage, dockerfile, evidence } = role;
        for seen in evidence {
            self.seen(&format!("roles.{name}"), seen);
        }
        Ok(Placement {
            enabled: None,
            stage: stage.map(|stage| StageName::parse(&stage)).transpose()?,
            dockerfile: dockerfile.map(|path| ProjectPath::parse(&path)).transpose()?,
            context: None,
            service: service.map(|key| ServiceKey::parse(&key)).transpose()?,
        })
    }

    /// What `[verify]` asks, and the service's port.
    fn verify(&mut self, probes: Probes) -> Result<(Option<PortNumber>, Option<EnvName>, Verify)> {
        let port = probes.port.map(|seen| self.seen("service", seen));
        let port = port.and_then(|port| PortNumber::new(port.parse().ok()?).ok());
        let port_env = probes.port_env.map(|seen| self.seen("service", seen));
        let health = probes.health.map(|seen| self.seen("verify", seen));
        let health = health.and_then(|path| UrlPath::parse(&path).ok());
        if health.is_none() {
            self.gaps.push("no path says how the service is: any answer to / counts ([verify] health)".to_owned());
        }
        let reload = probes.reload.map(|(file, seen)| (file, self.seen("verify", seen)));
        let reload = reload.and_then(|(file, text)| {
            Some(Reload { path: UrlPath::parse("/").ok()?, file: ProjectPath::parse(&file).ok()?, text })
        });
        let port_env = port_env.map(|name| EnvName::parse(&name)).transpose()?;
        Ok((port, port_env, Verify { health, reload, ..Verify::default() }))
    }
}

/// The one stack that has a manifest in the build context, and that.
fn stack(stacks: &Stacks, context: &Path) -> Option<(String, String)> {
    let names: Vec<String> = std::fs::read_dir(context)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let mut found = stacks.names().into_iter().filter_map(|stack| {
        let data = stacks.resolve(&Choice { stack, name: "it", ..Choice::default() }).ok()?;
        let globs = data.manifests.iter().filter_map(|glob| Some(Glob::new(glob).ok()?.compile_matcher()));
        let globs: Vec<_> = globs.collect();
        let file = names.iter().find(|name| globs.iter().any(|glob| glob.is_match(name)))?;
        Some((stack.to_owned(), file.clone()))
    });
    found.next().filter(|_| found.next().is_none())
}

/// The service's name: the compose project's, as dockwright takes it.
fn name(repository: &AdoptedRepository, stack: Option<&str>, stacks: &Stacks) -> Result<ServiceName> {
    let folder = repository.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = repository.compose.as_ref().map_or(folder, |compose| compose.name.clone());
    let name = ServiceName::plain(&text, 50);
    let reserved =
        stack.map(|stack| stacks.options(stack)).transpose()?.map(|options| options.reserved).unwrap_or_default();
    let reserved: Vec<&str> = reserved.iter().map(String::as_str).collect();
    let tries = [name.clone(), format!("{name}-app"), format!("app-{name}"), "app".to_owned()];
    let mut parsed = tries.iter().map(|name| ServiceName::parse(name, &reserved));
    let first = parsed.next().expect("there are four");
    if first.is_ok() { first } else { parsed.find(Result::is_ok).unwrap_or(first) }
}
