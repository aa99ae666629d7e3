//! Any project is read back from its own text, whatever strings it holds.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::tests::{in_repository, same_as_file, stacks};
use super::*;
use crate::error::Result;

/// What has ended a string, a line or a file too early somewhere.
const NASTY: &[&str] = &[
    "",
    " ",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\n",
    "\\u0041",
    "$HOME",
    "${X:-y}",
    "`id`",
    "#",
    "]",
    "}",
    "=",
    "\t",
    "\u{202E}",
    "\u{FEFF}",
    "\u{E0041}",
    "{{{ x }}}",
    "{% if %}",
    "[service]",
    "é",
    "🦀",
    "\u{7F}",
    "\n",
    "\r\n",
    "\0",
    "<<EOF",
    "-",
];

fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![prop::sample::select(NASTY).prop_map(str::to_owned), any::<String>()];
    vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn valid<T: std::fmt::Debug>(
    texts: impl Strategy<Value = String>,
    parse: impl Fn(&str) -> Result<T>,
) -> impl Strategy<Value = T> {
    texts.prop_filter_map("not valid", move |text| parse(&text).ok())
}

fn command() -> impl Strategy<Value = ExecCommand> {
    ("/?[a-z]{1,6}", vec(hostile(), 0..3)).prop_filter_map("not valid", |(program, rest)| {
        ExecCommand::parse(std::iter::once(program).chain(rest).collect()).ok()
    })
}

/// Variables and secrets that go together.
fn env() -> impl Strategy<Value = (DeclaredEnv, Vec<EnvName>)> {
    let name = || valid("[A-Za-z_][A-Za-z0-9_]{0,12}", EnvName::parse);
    let value = valid(hostile(), EnvValue::parse);
    (vec((name(), value), 0..4), vec(name(), 0..3)).prop_map(|(mut env, mut secrets)| {
        let mut seen = HashSet::from(["port".to_owned()]);
        let mut new = |name: &EnvName| {
            let name = name.as_str().to_ascii_lowercase();
            seen.insert(format!("{name}_file")) && seen.insert(name)
        };
        env.retain(|(name, _)| new(name));
        secrets.retain(|name| new(name));
        (env, secrets)
    })
}

fn settings() -> impl Strategy<Value = RoleSettings> {
    let package = valid("[a-z0-9][a-z0-9+.-]{1,8}(=1:2~3-4)?", Package::parse);
    (option::of(command()), env(), vec(package, 0..3)).prop_map(|(command, (env, _), packages)| RoleSettings {
        command,
        env,
        packages,
        place: Placement::default(),
    })
}

fn placement() -> impl Strategy<Value = Placement> {
    let path = || option::of(valid("[a-z]{1,5}(/[a-z. ]{1,5}){0,2}", ProjectPath::parse));
    let folder = prop_oneof![Just(".".to_owned()), "[a-z]{1,5}".prop_map(String::from)];
    (
        option::of(any::<bool>()),
        option::of(valid("[A-Za-z][A-Za-z0-9_.-]{0,5}|[0-9]{1,2}", StageName::parse)),
        path(),
        option::of(valid(folder, ProjectPath::folder)),
        option::of(valid("[A-Za-z0-9][A-Za-z0-9_.-]{0,5}", ServiceKey::parse)),
    )
        .prop_map(|(enabled, stage, dockerfile, context, service)| Placement {
            enabled,
            stage,
            dockerfile,
            context,
            service,
        })
}

fn service() -> impl Strategy<Value = ServiceSettings> {
    (
        valid("[a-z]{3,9}(-[a-z0-9]{1,9}){0,3}", |text| ServiceName::parse(text, &["json", "class", "socket"])),
        option::of(valid("[0-9]{4,5}", |text| PortNumber::new(text.parse().unwrap_or(0)))),
        option::of(command()),
        option::of(prop::sample::select(vec!["pip".to_owned(), "uv".to_owned()])),
        prop::sample::select(vec![Layout::Single, Layout::PerRole]),
        (
            option::of(valid("[A-Z_]{1,9}", EnvName::parse)),
            option::of(prop::sample::select(vec!["flask".to_owned()])),
            option::of(prop::sample::select(vec!["3.13".to_owned(), ">=3.12".to_owned()])),
            vec(prop::sample::select(vec!["libpq".to_owned(), "a b".to_owned()]), 0..3),
            vec(valid(hostile(), ProjectPath::parse), 0..3),
        ),
    )
        .prop_map(|(name, port, command, manager, layout, (port_env, framework, version, libraries, carries))| {
            ServiceSettings {
                name,
                stack: Some("python".to_owned()),
                version,
                kind: ServiceKind::Web,
                port,
                port_env,
                command,
                manager,
                framework,
                libraries,
                carries,
                layout,
            }
        })
}

fn dev_tools() -> impl Strategy<Value = DevTools> {
    let tools = || {
        vec((valid("[A-Za-z0-9][A-Za-z0-9._+-]{0,6}", ToolName::parse), command()), 0..3).prop_map(|mut tools| {
            let mut seen = HashSet::new();
            tools.retain(|(name, _)| seen.insert(name.clone()));
            tools.into_iter().map(|(name, command)| DevTool { name, command }).collect()
        })
    };
    let install = vec(valid(hostile(), ShellLine::parse), 0..3);
    (any::<bool>(), tools(), tools(), install, settings())
        .prop_map(|(enabled, tools, work, install, settings)| DevTools { enabled, tools, work, install, settings })
}

fn roles() -> impl Strategy<Value = RolesTable> {
    let code = prop::sample::select(vec![Code::Image, Code::Mounted]);
    let places = (placement(), placement(), placement());
    (settings(), dev_tools(), settings(), settings(), settings(), code, places).prop_map(
        |(dev, dev_tools, build, settings, test, code, (place, other, installation))| {
            let service = ServiceRole { code, settings: RoleSettings { place, ..settings } };
            RolesTable { dev: RoleSettings { place: other, ..dev }, dev_tools, build, service, test, installation }
        },
    )
}

fn verify() -> impl Strategy<Value = Verify> {
    let path = || valid("/[!-~]{0,9}", UrlPath::parse);
    let file = prop_oneof![hostile(), "[a-z]{1,5}(/[a-z. ]{1,5}){0,2}".prop_map(String::from)];
    let text = hostile().prop_filter("one line", |text| !text.trim().is_empty() && EnvValue::parse(text).is_ok());
    let reload = (path(), valid(file, ProjectPath::parse), text);
    let reload = reload.prop_map(|(path, file, text)| Reload { path, file, text });
    let reason = hostile().prop_filter("one line", |text| !text.trim().is_empty() && EnvValue::parse(text).is_ok());
    let waivers = vec((prop::sample::select(crate::contract::ALL), reason, 2_400_000..2_600_000_i32), 0..3);
    let waivers = waivers.prop_map(|waivers| {
        let mut seen = HashSet::new();
        let waivers = waivers.into_iter().filter(|(contract, _, _)| seen.insert(contract.name));
        let waiver = |(contract, reason, day): (crate::contract::Contract, String, i32)| Waiver {
            contract: contract.name.to_owned(),
            reason,
            expires: time::Date::from_julian_day(day).unwrap(),
            line: 0,
        };
        waivers.map(waiver).collect()
    });
    let unclaimed = option::of(Just(Unclaimed { contract: "dev.owner".to_owned(), reason: "no \"user\"".to_owned() }));
    (option::of(path()), option::of(path()), option::of(1..=3600_u64), option::of(reload), waivers, unclaimed).prop_map(
        |(health, slow, timeout, reload, waivers, unclaimed)| Verify {
            health,
            slow,
            timeout: timeout.map(Duration::from_secs),
            reload,
            waivers,
            unclaimed: unclaimed.into_iter().collect(),
        },
    )
}

fn description() -> impl Strategy<Value = Description> {
    let image = || option::of(valid("[a-z]{1,5}(/[a-z]{1,5})?(:[0-9.a-z-]{1,5})?", ImageRef::parse));
    let deployment = (valid("[a-z]{1,9}(-[a-z0-9]{1,9}){0,2}", DeploymentName::parse), env())
        .prop_map(|(name, (env, secrets))| Deployment { name, env, secrets });
    (service(), image(), image(), roles(), vec(deployment, 1..4), verify()).prop_map(
        |(service, runtime, build, roles, mut deployments, verify)| {
            let mut seen = HashSet::new();
            deployments.retain(|deployment| seen.insert(deployment.name.clone()));
            Description {
                service,
                images: ImageOverrides { runtime, build },
                roles,
                deployments,
                verify,
                repository: None,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(description in description()) {
        let text = description.to_toml();
        match Project::parse(&text, Path::new(FILE), stacks()) {
            Ok(read) => prop_assert_eq!(read.description, description, "{}", text),
            Err(error) => prop_assert!(false, "{} {:?}\n{}", error, error.hints(), text),
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in hostile(), at in 0..=200_usize) {
        let good = crate::text::read_text(&in_repository("tests/cases/project/good-full/in.toml"), 1 << 20).unwrap();
        // The case is ASCII, so every byte is a place to break it at.
        let (before, after) = good.split_at(at * good.len() / 200);
        drop(Project::parse(&format!("{before}{text}{after}"), Path::new(FILE), stacks()));
    }
}

#[test]
fn the_starter_is_short_and_says_what_is_where() {
    let mut project = Description::starter(ServiceName::parse("orders", &[]).unwrap(), "python");
    let tool = |words: [&str; 2]| {
        let command = ExecCommand::parse(words.map(str::to_owned).to_vec()).unwrap();
        vec![DevTool { name: ToolName::parse("ruff").unwrap(), command }]
    };
    project.roles.dev_tools.tools = tool(["ruff", "--version"]);
    project.roles.dev_tools.work = tool(["ruff", "check"]);
    let path = |text| UrlPath::parse(text).unwrap();
    let file = ProjectPath::parse("orders/app.py").unwrap();
    project.verify = Verify {
        health: Some(path("/healthz")),
        slow: Some(path("/slow?seconds=2")),
        timeout: None,
        reload: Some(Reload { path: path("/"), file, text: "Hello".to_owned() }),
        waivers: Vec::new(),
        unclaimed: Vec::new(),
    };
    let text = project.to_toml();
    assert_eq!(Project::parse(&text, Path::new(FILE), stacks()).unwrap().description, project);
    same_as_file(&text, &in_repository("tests/cases/project/good-starter/in.toml")).unwrap();
}
