//! From the file's shape to validated values: every grammar, every range, every rule between values.

use std::collections::HashMap;
use std::time::Duration;

use super::flaws::{Flaws, all, one, optional};
use super::text::{is_line_break, refuse_control, shown};
use super::{
    DeclaredEnv, Deployment, DeploymentName, Description, DevTool, DevTools, EnvName, EnvValue, ExecCommand,
    ImageOverrides, ImageRef, Package, PortNumber, ProjectPath, Reload, RoleSettings, RolesTable, ServiceName,
    ServiceRole, ServiceSettings, ShellLine, ToolName, UrlPath, Verify, place, raw, repository, waivers,
};
use crate::error::{Error, Result};
use crate::stacks::{Options, examples};
use crate::text::nearest;

/// The description, or nothing and what is wrong in `flaws`.
pub(super) fn project(raw: raw::RawDescription, stack: Option<&Options>, flaws: &mut Flaws<'_>) -> Option<Description> {
    let service = service(raw.service, stack, raw.repository.is_some(), flaws);
    let images = raw.images.unwrap_or_default();
    let runtime = optional(images.runtime, |text| ImageRef::parse(&text), flaws);
    let build = optional(images.build, |text| ImageRef::parse(&text), flaws);
    let roles = roles(raw.roles.unwrap_or_default(), flaws);
    let deployments = deployments(raw.deployments, flaws);
    let verify = verify(raw.verify.unwrap_or_default(), flaws);
    let repository = match raw.repository {
        None => Some(None),
        Some(table) => {
            let (facts, needs) = stack.map_or((&[][..], &[][..]), |stack| (&stack.facts, &stack.needs));
            repository::check(table, (facts, needs), env, flaws).map(Some)
        }
    };
    Some(Description {
        service: service?,
        images: ImageOverrides { runtime: runtime?, build: build? },
        roles: roles?,
        deployments: deployments?,
        verify: verify?,
        repository: repository?,
    })
}

/// `is_own` says that the code is the user's own, and no starter.
fn service(
    raw: raw::RawService,
    options: Option<&Options>,
    is_own: bool,
    flaws: &mut Flaws<'_>,
) -> Option<ServiceSettings> {
    let stack = raw.stack.map(|stack| stack.split().0);
    without_stack(options, [&raw.version, &raw.manager, &raw.framework], flaws);
    let none = Options::default();
    let (options, own) = (options.unwrap_or(&none), stack.clone().unwrap_or_default());
    let reserved: Vec<&str> = options.reserved.iter().map(String::as_str).collect();
    let name = one(raw.name, |text| ServiceName::parse(&text, &reserved), flaws);
    let port = optional(raw.port, PortNumber::new, flaws);
    let port_env = optional(raw.port_env, |text| EnvName::parse(&text), flaws);
    let command = command(raw.command, flaws);
    let version = optional(raw.version, version, flaws);
    let known = |what: &'static str, names: &[String], text: String| one_of(&own, what, names, text);
    let more = if is_own { options.more_managers.as_slice() } else { &[] };
    let managers = [options.managers.as_slice(), more].concat();
    let manager = optional(raw.manager, |text| known("package manager", &managers, text), flaws);
    let framework = optional(raw.framework, |text| known("framework", &options.frameworks, text), flaws);
    let libraries = all(raw.libraries.unwrap_or_default(), |raw| one(raw, |text| library(text, options), flaws));
    let carries = all(raw.carries.unwrap_or_default(), |raw| one(raw, |text| ProjectPath::parse(&text), flaws));
    Some(ServiceSettings {
        name: name?,
        stack,
        version: version?,
        kind: raw.kind.unwrap_or_default(),
        port: port?,
        port_env: port_env?,
        command: command?,
        manager: manager?,
        framework: framework?,
        libraries: libraries?,
        carries: carries?,
        layout: raw.layout.unwrap_or_default(),
    })
}

/// What only a stack knows cannot be said without one.
fn without_stack(options: Option<&Options>, keys: [&Option<raw::At<String>>; 3], flaws: &mut Flaws<'_>) {
    if options.is_some() {
        return;
    }
    for (key, name) in keys.into_iter().zip(["version", "manager", "framework"]) {
        if let Some(key) = key {
            let error = Error::description(format!("`{name}` says something of a stack, and there is no `stack`"));
            flaws.add(&key.span(), error.hint(format!("add a line such as stack = {:?}", examples().stack)));
        }
    }
}

/// A version becomes part of an image's name; which there are, the stack knows.
fn version(text: String) -> Result<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || " .,<>=^~*-+".contains(c);
    if !text.trim().is_empty() && text.chars().all(good) {
        return Ok(text);
    }
    Err(Error::description(format!("{} is neither a version nor a range", shown(&text))).hint(format!(
        "write one as {:?}, or a range as {:?}",
        examples().version,
        examples().range
    )))
}

fn one_of(stack: &str, what: &str, names: &[String], text: String) -> Result<String> {
    if names.contains(&text) {
        return Ok(text);
    }
    let error = Error::description(format!("the stack {stack} has no {what} {}", shown(&text)));
    let known: Vec<String> = names.iter().map(super::text::quoted).collect();
    Err(match known.as_slice() {
        [] => error.hint(format!("leave the {what} out")),
        _ => error.hint(format!("it can be {}", known.join(", "))),
    })
}

fn library(text: String, options: &Options) -> Result<String> {
    if options.libraries.contains(&text) {
        return Ok(text);
    }
    let error = Error::description(format!("which packages {} needs is not known", shown(&text)));
    Err(match nearest(&text, options.libraries.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {}?", shown(near))),
        None => error.hint("add them to `packages` of [roles.build] and [roles.service]"),
    })
}

#[expect(clippy::option_option, reason = "left out and flawed are two things")]
fn command(raw: Option<raw::RawCommand>, flaws: &mut Flaws<'_>) -> Option<Option<ExecCommand>> {
    optional(raw.map(|command| command.0), ExecCommand::parse, flaws)
}

fn roles(raw: raw::RawRoles, flaws: &mut Flaws<'_>) -> Option<RolesTable> {
    let raw::Installation { enabled, stage, dockerfile, context, service } = raw.installation.unwrap_or_default();
    let installation = place::check(place::Said { enabled, stage, dockerfile, context, service }, flaws);
    let dev = role(raw.dev.unwrap_or_default(), flaws);
    let build = role(raw.build.unwrap_or_default(), flaws);
    let test = role(raw.test.unwrap_or_default(), flaws);
    let dev_tools = dev_tools(raw.dev_tools.unwrap_or_default(), flaws);
    let raw::ServiceRole { code, enabled, stage, dockerfile, context, service, command, env, packages } =
        raw.service.unwrap_or_default();
    let code = code.unwrap_or_default();
    let settings = raw::Role { enabled, stage, dockerfile, context, service, command, env, packages };
    let settings = role(settings, flaws);
    Some(RolesTable {
        dev: dev?,
        dev_tools: dev_tools?,
        build: build?,
        service: ServiceRole { code, settings: settings? },
        test: test?,
        installation: installation?,
    })
}

fn role(raw: raw::Role, flaws: &mut Flaws<'_>) -> Option<RoleSettings> {
    let raw::Role { enabled, stage, dockerfile, context, service, .. } = raw;
    let place = place::check(place::Said { enabled, stage, dockerfile, context, service }, flaws);
    let command = command(raw.command, flaws);
    let env = env(raw.env, flaws);
    let packages = all(raw.packages.unwrap_or_default(), |package| one(package.0, |text| Package::parse(&text), flaws));
    Some(RoleSettings { place: place?, command: command?, env: env?, packages: packages? })
}

fn dev_tools(raw: raw::DevTools, flaws: &mut Flaws<'_>) -> Option<DevTools> {
    let tools = tools_of(raw.tools, flaws);
    let work = tools_of(raw.work, flaws);
    let install = all(raw.install.unwrap_or_default(), |line| one(line, |text| ShellLine::parse(&text), flaws));
    let raw::DevTools { stage, dockerfile, context, service, command, env, packages, .. } = raw;
    let settings = raw::Role { enabled: None, stage, dockerfile, context, service, command, env, packages };
    let settings = role(settings, flaws);
    Some(DevTools {
        enabled: raw.enabled.unwrap_or(true),
        tools: tools?,
        work: work?,
        install: install?,
        settings: settings?,
    })
}

fn tools_of(raw: Option<raw::Ordered<raw::RawCommand>>, flaws: &mut Flaws<'_>) -> Option<Vec<DevTool>> {
    all(raw.map(|tools| tools.0).unwrap_or_default(), |(name, command)| {
        let name = one(name, |text| ToolName::parse(&text), flaws);
        let command = one(command.0, ExecCommand::parse, flaws);
        Some(DevTool { name: name?, command: command? })
    })
}

fn deployments(raw: Option<raw::Ordered<raw::RawDeployment>>, flaws: &mut Flaws<'_>) -> Option<Vec<Deployment>> {
    let raw = raw.map(|deployments| deployments.0).unwrap_or_default();
    if raw.is_empty() {
        return Some(vec![Deployment {
            name: DeploymentName::production(),
            env: DeclaredEnv::new(),
            secrets: Vec::new(),
        }]);
    }
    all(raw, |(name, deployment)| {
        let name = one(name, |text| DeploymentName::parse(&text), flaws);
        let mut names = Names::default();
        let env = env_of(deployment.env, &mut names, flaws);
        let secrets = all(deployment.secrets.unwrap_or_default(), |secret| {
            let (text, span) = secret.0.split();
            let name = flaws.take(&span, EnvName::parse(&text))?;
            flaws.take(&span, names.add_secret(&name))?;
            Some(name)
        });
        Some(Deployment { name: name?, env: env?, secrets: secrets? })
    })
}

fn env(raw: Option<raw::RawEnv>, flaws: &mut Flaws<'_>) -> Option<DeclaredEnv> {
    env_of(raw, &mut Names::default(), flaws)
}

fn env_of(raw: Option<raw::RawEnv>, names: &mut Names, flaws: &mut Flaws<'_>) -> Option<DeclaredEnv> {
    all(raw.map(|env| env.0.0).unwrap_or_default(), |(name, value)| {
        let (name, place) = name.split();
        let (value, value_place) = value.split();
        let value = flaws.take(&value_place, env_value(&name, &value));
        let name = flaws.take(&place, EnvName::parse(&name))?;
        flaws.take(&place, names.add(&name))?;
        Some((name, value?))
    })
}

fn env_value(name: &str, value: &str) -> Result<EnvValue> {
    let parsed = EnvValue::parse(value)?;
    if name == "PORT" {
        let number = value.parse().map_err(|_| {
            Error::description(format!("PORT is {}, and the service listens on the port it names", shown(value)))
                .hint("write a number from 1 to 65535 in quotes, as in PORT = \"8000\"")
        })?;
        PortNumber::new(number)?;
    }
    Ok(parsed)
}

/// The variables of one container, by their names in lower case.
#[derive(Default)]
struct Names(HashMap<String, (String, &'static str)>);

impl Names {
    fn add(&mut self, name: &EnvName) -> Result<()> {
        // Windows, and so a compose file's `environment:` read there, knows no two names that differ by case.
        // The proxy variables are the exception that everybody sets in both.
        if name.as_str().to_ascii_lowercase().ends_with("_proxy") {
            return Ok(());
        }
        self.enter(name, "env")
    }

    fn add_secret(&mut self, name: &EnvName) -> Result<()> {
        self.enter(name, "secrets")?;
        let file = name.file_variable();
        if self.0.get(&file.as_str().to_ascii_lowercase()).is_some_and(|(_, list)| *list == "env") {
            return Err(Error::description(format!(
                "the secret {name} gives the container the variable {file}, which `env` sets too"
            ))
            .hint(format!("remove {file} from `env`: it is set to {}", name.secret_file())));
        }
        Ok(())
    }

    fn enter(&mut self, name: &EnvName, list: &'static str) -> Result<()> {
        let text = name.as_str();
        match self.0.insert(text.to_ascii_lowercase(), (text.to_owned(), list)) {
            None => Ok(()),
            Some((_, "env")) if list == "secrets" => {
                Err(Error::description(format!("{text} is in `env` and in `secrets`: it is one or the other"))
                    .hint("remove it from `env` if it is secret: values there are baked into the image"))
            }
            Some((other, _)) if other == text => {
                Err(Error::description(format!("{text} is listed twice")).hint("remove one"))
            }
            Some((other, _)) => Err(Error::description(format!(
                "{text} and {other} differ only by case, and some platforms cannot tell them apart"
            ))
            .hint("remove one")),
        }
    }
}

fn verify(raw: raw::RawVerify, flaws: &mut Flaws<'_>) -> Option<Verify> {
    let health = optional(raw.health, |text| UrlPath::parse(&text), flaws);
    let slow = optional(raw.slow, |text| UrlPath::parse(&text), flaws);
    let timeout = optional(raw.timeout, timeout, flaws);
    let reload = match raw.reload {
        None => Some(None),
        Some(raw) => reload(raw, flaws).map(Some),
    };
    let waivers = waivers::check(raw.waivers.unwrap_or_default(), flaws);
    let unclaimed = waivers::unclaimed(raw.unclaimed.unwrap_or_default(), flaws);
    Some(Verify {
        health: health?,
        slow: slow?,
        timeout: timeout?,
        reload: reload?,
        waivers: waivers?,
        unclaimed: unclaimed?,
    })
}

fn timeout(seconds: i64) -> Result<Duration> {
    match u64::try_from(seconds) {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err(Error::description(format!("a timeout of {seconds} seconds is out of range: 1 to 3600"))
            .hint("leave it out for 60 seconds")),
    }
}

fn reload(raw: raw::RawReload, flaws: &mut Flaws<'_>) -> Option<Reload> {
    let path = one(raw.path, |text| UrlPath::parse(&text), flaws);
    let file = one(raw.file, |text| ProjectPath::parse(&text), flaws);
    let text = one(raw.text, reload_text, flaws);
    Some(Reload { path: path?, file: file?, text: text? })
}

fn reload_text(text: String) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Error::description("the text to replace is empty")
            .hint("use a word that the answer contains, such as \"Hello\""));
    }
    if text.contains(is_line_break) {
        return Err(Error::description("the text to replace contains a line break").hint("use one word of it"));
    }
    refuse_control(&text, "the text to replace", &['\t'])?;
    Ok(text)
}
