//! What was detected in a repository → a description whose images can be written. Reads files, and runs and writes nothing.
//!
//! Which facts a stack's images need to know, its `adopted.toml` says; here they are taken over, commands are put into the form
//! in which containers start them, and what is in the way is looked for.

mod command;
mod needs;
mod place;
mod version;

use std::path::Path;

use crate::adopt;
use crate::detect::{Band, Detection};
use crate::error::{Error, Result};
use crate::project::{
    Deployment, DeploymentName, Description, DevTool, DevTools, EnvName, ExecCommand, FILE, ImageOverrides, Package,
    PortNumber, Project, ProjectPath, Reload, Repository, RoleSettings, RolesTable, ServiceName, ServiceSettings,
    ToolName, Unclaimed, UrlPath, Verify, fact,
};
use crate::stacks::{COMMON_FACTS, Facts, Stack, Stacks, ecosystem};
pub use place::in_the_way;

/// The description of the service that was detected in the repository `root`.
///
/// # Errors
/// Its stack has no roles; nothing says how it is started; a value cannot be written into a description.
pub fn describe(root: &Path, found: &Detection, stacks: &Stacks) -> Result<Project> {
    let stack = found.value("stack").unwrap_or_default();
    if !stacks.names().contains(&stack) {
        return Err(Error::usage(format!("the stack {stack} is detected, and has no roles in this version"))
            .hint("`dockwright init --dry-run --format json` prints what was found")
            .hint("`dockwright init --stack generic` writes roles by the commands that you give it"));
    }
    let options = stacks.options(stack)?;
    let reserved: Vec<&str> = options.reserved.iter().map(String::as_str).collect();
    let place = place::of(root, found)?;
    let mut service = ServiceSettings::new(name(found.value("name"), root, &reserved)?, Some(stack.to_owned()));
    service.manager = manager(found, stack, &[options.managers.clone(), options.more_managers.clone()].concat())?;
    service.port = found.values("port").first().and_then(|port| PortNumber::new(port.parse().ok()?).ok());
    service.port_env = found.values("port-variable").first().and_then(|name| EnvName::parse(name).ok());
    service.command = found.values("serve").first().map(|line| command::of(line)).transpose()?;
    let known = |name: &&str| options.libraries.iter().any(|known| known == name);
    service.libraries = found.values("libraries").into_iter().filter(known).map(ToOwned::to_owned).collect();
    let (env, needs) = needs::of(found, &options.needs);
    let deployment = Deployment {
        name: DeploymentName::production(),
        env: needs.iter().flat_map(|need| need.env_at(&need.name)).filter_map(needs::variable).collect(),
        secrets: Vec::new(),
    };
    let of_tests = needs.iter().flat_map(|need| need.env_at(&need.test_host()).collect::<Vec<_>>());
    let of_tests = of_tests.filter_map(needs::variable).collect();
    let health = found.values("health").first().and_then(|path| UrlPath::parse(path).ok());
    let folder = place.folder.as_ref().map_or(String::new(), |folder| format!("{folder}/"));
    let repository = Repository { facts: facts(found, &options.facts, (root, &folder)), env, needs, ..place };
    let mut description = Description {
        service,
        images: ImageOverrides::default(),
        roles: RolesTable { test: RoleSettings { env: of_tests, ..RoleSettings::default() }, ..RolesTable::default() },
        deployments: vec![deployment],
        verify: Verify { health, reload: reload(root, &repository), ..Verify::default() },
        repository: Some(repository),
    };
    version::choose(&mut description, found, stacks)?;
    // What the stack says of it now is the basis of the rest.
    let project = Project::parse(&description.to_toml(), Path::new(FILE), stacks)?;
    let data = project.stack.as_ref().expect("it names one");
    finish(&mut description, found, data)?;
    Project::parse(&description.to_toml(), Path::new(FILE), stacks)
}

/// The package manager that was found, or the best of those found that the stack has steps for; none leaves it to the stack.
///
/// # Errors
/// The stack has steps for none of them: images by those of another would lack the dependencies.
fn manager(found: &Detection, stack: &str, known: &[String]) -> Result<Option<String>> {
    let Some(best) = found.values("manager").first().copied() else { return Ok(None) };
    // What is usual in the stack is no sign that the repository has it.
    let claims = found.evidence().filter(|claim| claim.field == "manager" && claim.band > Band::Usual);
    let claims = claims.map(|claim| claim.value.as_str());
    match std::iter::once(best).chain(claims).find(|name| known.iter().any(|one| one == name)) {
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(Error::usage(format!(
            "the package manager {best} is detected, and the stack {stack} has no roles for it in this version"
        ))
        .hint(format!("`dockwright init --set manager=NAME` takes another: {}", known.join(", ")))
        .hint("`dockwright init --stack generic` writes roles by the commands that you give it")),
    }
}

/// What the stack says of tools and of contracts that do not fit.
fn finish(description: &mut Description, found: &Detection, stack: &Stack) -> Result<()> {
    if stack.service.command.is_empty() {
        return Err(Error::usage("nothing in the repository says how the service is started")
            .hint("say it: `dockwright init --set start=COMMAND`"));
    }
    description.service.port.get_or_insert(PortNumber::new(i64::from(stack.port))?);
    let tool = |(name, words): (&String, &Vec<String>)| {
        Ok(DevTool { name: ToolName::parse(name)?, command: ExecCommand::parse(words.clone())? })
    };
    // What a starter's tools do on it, nobody knows to be so of other code.
    let tools = stack.dev_tools.tools.iter().filter(|(_, words)| !words.is_empty());
    let tools: Result<Vec<DevTool>> = tools.map(tool).collect();
    description.roles.dev_tools = DevTools { tools: tools?, ..DevTools::default() };
    let unclaimed = stack.unclaimed.iter().filter(|(_, reason)| !reason.is_empty());
    description.verify.unclaimed =
        unclaimed.map(|(contract, reason)| Unclaimed { contract: contract.clone(), reason: reason.clone() }).collect();
    let packages: Vec<Package> =
        found.values("packages").into_iter().filter_map(|name| Package::parse(name).ok()).collect();
    if !packages.is_empty() {
        description.roles.service.settings = RoleSettings { packages, ..RoleSettings::default() };
    }
    Ok(())
}

/// The facts that the stack's data asks for and the repository tells. Manifests are found from the repository's root, and
/// images are built in `folder`. Of environment files those count that hold only what the build publishes.
fn facts(found: &Detection, known: &[String], (root, folder): (&Path, &str)) -> Vec<(String, Vec<String>)> {
    const FROM_ROOT: &str = "manifests";
    const PUBLIC: &str = "public-env";
    let is_public = |file: &str| ecosystem().published.is_all_of(&root.join(folder).join(file));
    let asked = known.iter().filter(|name| !COMMON_FACTS.contains(&name.as_str()));
    let told = |name: &String| {
        let values = found.values(name).into_iter().filter_map(|value| match value.strip_prefix(folder) {
            Some(inner) if name == FROM_ROOT => Some(inner),
            _ if name == FROM_ROOT || (name == PUBLIC && !is_public(value)) => None,
            _ => Some(value),
        });
        let values = values.filter_map(|value| fact(value).ok());
        Some((name.clone(), values.collect::<Vec<_>>())).filter(|(_, values)| !values.is_empty())
    };
    let mut facts: Facts = asked.filter_map(told).collect();
    // The data may ask for the framework, of which the stack may say nothing.
    if let Some(name) = found.values("framework").first() {
        facts.insert("framework".to_owned(), vec![(*name).to_owned()]);
    }
    facts.into_iter().collect()
}

/// A text of the source that the answer to `/` shows.
fn reload(root: &Path, repository: &Repository) -> Option<Reload> {
    let folder = repository.folder.as_ref().map(AsRef::<str>::as_ref);
    let (file, _, text) = adopt::answered(&folder.map_or_else(|| root.to_owned(), |folder| root.join(folder)))?;
    let file = folder.map_or_else(|| file.clone(), |folder| format!("{folder}/{file}"));
    Some(Reload { path: UrlPath::parse("/").ok()?, file: ProjectPath::parse(&file).ok()?, text })
}

/// The service's name as dockwright takes it.
fn name(found: Option<&str>, root: &Path, reserved: &[&str]) -> Result<ServiceName> {
    let folder = root.canonicalize().ok();
    let folder = folder.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())).unwrap_or_default();
    let (found, folder) = (ServiceName::plain(found.unwrap_or_default(), 50), ServiceName::plain(&folder, 50));
    let tries = [found.clone(), format!("{found}-app"), format!("app-{found}"), folder, "app".to_owned()];
    let mut parsed = tries.iter().map(|name| ServiceName::parse(name, reserved));
    parsed.find(Result::is_ok).unwrap_or_else(|| ServiceName::parse("service-app", &[]))
}
