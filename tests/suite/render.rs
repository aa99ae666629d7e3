//! The generated files of every stack, manager, layout and option, held against those who know: our own readers,
//! Compose, `BuildKit`'s checks, hadolint, shellcheck.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dockwright::project::Project;
use dockwright::render::{self, File};
use dockwright::{compose, dockerfile, stacks};

use super::support::{Ran, docker, docker_out, engine, in_parallel, missing, tool};

/// Values that a shell, a Dockerfile, YAML or Compose would each take for something of theirs.
const HOSTILE: &[(&str, &str)] = &[
    ("ALL_OF_IT", r#"$HOME "quoted" \back ☃ 'single'"#),
    ("NEAR_ALL_OF_IT", r#"$USER "quoted" \back ☃ 'single'"#),
    ("BRACES", "${HOME:-x} $$ ${{ y }} {{{ z }}} {{.State}} {% raw %} <# #>"),
    ("BACKSLASH_LAST", r"ends in \"),
    ("BACKSLASHES", r"\\ \n \t \x41 \$A"),
    ("SHELL", "`id` $(id) ; && | > < * ? ~ ! #no-comment"),
    ("SPACES", "  two before and after  "),
    ("TAB", "a\tb"),
    ("EMPTY", ""),
    ("EQUALS", "a=b=c"),
    ("YAML", "yes: [no, &a *a] !!tag - - ? | >"),
    ("QUOTES", r#"""'' '"' \" \'"#),
    ("PERCENT", "100% %s %d %(x)s"),
    ("UNICODE", "Grüße, 世界 \u{1F980} \u{202e}rtl \u{00a0}nbsp"),
    ("HASH_FIRST", "# not a comment"),
    ("LONG", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"),
];

/// Added to `[service]`, and after the tables.
const OPTIONS: &[(&str, &str)] = &[
    ("plain", ""),
    ("no-dev-tools", "[roles.dev-tools]\nenabled = false\n"),
    ("mounted", "[roles.service]\ncode = \"mounted\"\n"),
    (
        "packages",
        "[roles.dev]\npackages = [\"procps\"]\n[roles.dev-tools]\npackages = [\"git\", \"vim-tiny\"]\n[roles.build]\npackages = [\"make\"]\n\
      [roles.service]\npackages = [\"libpq5\", \"tzdata\"]\n[roles.test]\npackages = [\"curl\"]\n",
    ),
    (
        "images",
        "[images]\nruntime = \"registry.example.com:5000/base/runtime:1.2-slim@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"\n\
      build = \"registry.example.com:5000/base/build:1.2-slim\"\n",
    ),
    ("deployments", DEPLOYMENTS),
];

const DEPLOYMENTS: &str = "
[deployments.staging]
env = { APP_ENV = \"staging\", PORT = \"9000\" }
secrets = [\"DATABASE_PASSWORD\", \"API_TOKEN\"]
[deployments.production]
env = { APP_ENV = \"production\", HOSTILE }
secrets = [\"DATABASE_PASSWORD\"]
[roles.dev]
env = { HOSTILE }
[roles.dev-tools]
env = { HOSTILE }
[roles.build]
env = { HOSTILE }
[roles.service]
env = { HOSTILE }
[roles.test]
env = { HOSTILE }
";

struct Variant {
    name: String,
    text: String,
    project: Project,
}

fn variants() -> Vec<Variant> {
    variants_with(|_| true)
}

/// Those with the hostile values of these names only.
fn variants_with(wanted: impl Fn(&str) -> bool) -> Vec<Variant> {
    let mut variants = Vec::new();
    for stack in stacks::starters() {
        for manager in stacks::embedded().options(stack).unwrap().managers {
            for layout in ["single", "per-role"] {
                for (option, more) in OPTIONS {
                    let more = more.replace("HOSTILE", &hostile_toml(&wanted));
                    let text = format!(
                        "schema = 1\n[service]\nname = \"orders-api\"\nstack = \"{stack}\"\nmanager = \"{manager}\"\nlayout = \"{layout}\"\n{more}"
                    );
                    let project = Project::parse(&text, Path::new("dockwright.toml"), stacks::embedded())
                        .unwrap_or_else(|error| panic!("{error} {:?}\n{text}", error.hints()));
                    variants.push(Variant { name: format!("{stack} {manager} {layout} {option}"), text, project });
                }
            }
        }
    }
    variants
}

/// The hostile values as an inline table's inside.
fn hostile_toml(wanted: impl Fn(&str) -> bool) -> String {
    let escaped = |value: &str| toml::Value::from(value).to_string();
    let values = HOSTILE.iter().filter(|(name, _)| wanted(name));
    values.map(|(name, value)| format!("{name} = {}", escaped(value))).collect::<Vec<_>>().join(", ")
}

fn text(file: &File) -> &str {
    std::str::from_utf8(&file.contents).expect("rendered files are UTF-8")
}

/// The files on disk, as a user has them.
fn written(variant: &Variant) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for file in render::new_service(&variant.project) {
        let path = home.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.contents).unwrap();
    }
    home
}

fn dockerfiles(files: &[File]) -> Vec<&File> {
    files.iter().filter(|file| file.path == "Dockerfile" || file.path.ends_with(".Dockerfile")).collect()
}

#[test]
fn rendering_is_deterministic_and_reads_back() {
    for variant in variants() {
        let (first, second) = (render::new_service(&variant.project), render::new_service(&variant.project));
        assert_eq!(first, second, "{}", variant.name);
        let again = Project::parse(&variant.project.to_toml(), Path::new("again"), stacks::embedded()).unwrap();
        assert_eq!(render::scaffold(&again), render::scaffold(&variant.project), "{}", variant.name);
        assert!(first.is_sorted_by(|a, b| a.path < b.path), "{}: sorted, no path twice", variant.name);
    }
}

#[test]
fn no_template_residue() {
    for variant in variants() {
        // Our own hostile values look like templates on purpose.
        let hostile = variant.text.contains("UNICODE");
        let scaffold = render::scaffold(&variant.project);
        for file in render::new_service(&variant.project) {
            let at = format!("{}: {}", variant.name, file.path);
            let kind = Path::new(&file.path).extension().unwrap_or_default();
            if kind == "lock" || file.path.ends_with("-lock.json") {
                continue;
            }
            let text = text(&file);
            let residue = [
                "{{{",
                "}}}",
                "{%",
                "%}",
                "<#",
                "#>",
                "@name@",
                "@module@",
                "starter_service",
                "starter-service",
                "Starter Service",
            ];
            for mark in residue {
                let lines = text.lines().filter(|line| !(hostile && line.contains("BRACES"))).collect::<Vec<_>>();
                assert!(!lines.iter().any(|line| line.contains(mark)), "{at} has {mark}");
            }
            assert!(!file.path.contains("starter"), "{at}");
            assert!(kind != "in", "{at}");
            if !scaffold.contains(&file) {
                continue; // a starter follows its own language's style
            }
            assert!(text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"), "{at}: one newline at the end");
            assert!(!text.contains("\n\n\n"), "{at}: two blank lines");
            assert!(!text.lines().any(|line| line.ends_with([' ', '\t'])) || hostile, "{at}: blanks at a line's end");
            assert!(
                !text.contains('\r') && !text.contains('\t') || hostile || file.path.contains("Makefile"),
                "{at}: tabs"
            );
        }
    }
}

#[test]
fn every_stage_that_compose_builds_is_there() {
    for variant in variants() {
        let home = written(&variant);
        let compose =
            compose::read(home.path(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{}: {error}", variant.name));
        for role in ["dev", "build", "service", "test", "installation"] {
            assert!(compose.service_for_role(role).is_some(), "{}: no {role} in compose.yaml", variant.name);
        }
        for (name, service) in &compose.services {
            let build = service.build.as_ref().unwrap_or_else(|| panic!("{}: {name} is built", variant.name));
            let path = home.path().join(build.dockerfile.as_deref().unwrap_or("Dockerfile"));
            let file = dockerfile::read(&path).unwrap_or_else(|error| panic!("{}: {error}", variant.name));
            let target = build.target.as_deref().expect("a target");
            file.require_stage(target).unwrap_or_else(|error| panic!("{}: {error}", variant.name));
            assert_eq!(file.duplicates().count(), 0, "{}", variant.name);
        }
        assert!(compose.unsupported.is_empty(), "{}: {:?}", variant.name, compose.unsupported);
    }
}

/// Its healthcheck asks the port that PORT names, which is the stacks' business.
#[test]
fn an_installation_publishes_and_exposes_its_own_port() {
    for variant in variants().iter().filter(|variant| variant.name.ends_with("deployments")) {
        let home = written(variant);
        let compose = compose::read(home.path(), &BTreeMap::new()).unwrap();
        let own = variant.project.stack.as_ref().unwrap().port;
        for (name, port) in [("installation", 9000), ("installation-production", own)] {
            let ports = compose.services[name].ports.iter().map(|port| port.target);
            assert_eq!(ports.collect::<Vec<_>>(), [port], "{}: {name}", variant.name);
        }
        let stages = render::role(&variant.project, "installation");
        let exposed: Vec<&str> = text(&stages[0]).lines().filter(|line| line.starts_with("EXPOSE")).collect();
        assert_eq!(exposed, ["EXPOSE 9000"], "{}", variant.name);
    }
}

/// A Dockerfile of `docker/` that no service builds is a file that nobody maintains.
#[test]
fn every_dockerfile_is_built_by_compose() {
    for variant in variants() {
        let files = render::scaffold(&variant.project);
        let compose = files.iter().find(|file| file.path == "compose.yaml").map(text).unwrap();
        for file in dockerfiles(&files).into_iter().filter(|file| file.path != "Dockerfile") {
            let named = format!("dockerfile: {} }}", file.path);
            assert!(compose.contains(&named), "{}: no service builds {}", variant.name, file.path);
        }
    }
}

#[test]
fn devcontainer_is_json_and_only_there_with_dev_tools() {
    for variant in variants() {
        let files = render::scaffold(&variant.project);
        let found = files.iter().find(|file| file.path == ".devcontainer/devcontainer.json");
        assert_eq!(found.is_some(), variant.project.roles.dev_tools.enabled, "{}", variant.name);
        if let Some(file) = found {
            let json: serde_json::Value = serde_json::from_str(text(file)).unwrap();
            assert_eq!(json["service"], "dev-tools", "{}", variant.name);
        }
    }
}

/// What a linter said, where it did not say that all is well.
fn lint(variant: &Variant, command: &mut Command) -> Result<Ran, String> {
    let ran = Ran::of(command);
    if ran.code == Some(0) { Ok(ran) } else { Err(format!("{}: {command:?}\n{}{}", variant.name, ran.out, ran.err)) }
}

#[test]
fn compose_config_is_clean() {
    if docker().is_none() {
        return;
    }
    in_parallel(&variants(), |variant| {
        let home = written(variant);
        let mut command = docker().unwrap();
        command.current_dir(&home).args(["compose", "--profile", "*", "config", "--format", "json"]);
        let ran = lint(variant, &mut command)?;
        if !ran.err.is_empty() {
            return Err(format!("{}: compose warns: {}", variant.name, ran.err));
        }
        // And what it says is what we read.
        let theirs: serde_json::Value = serde_json::from_str(&ran.out).map_err(|error| error.to_string())?;
        let ours = compose::read(home.path(), &BTreeMap::new()).map_err(|error| error.to_string())?;
        let names: Vec<&String> = theirs["services"].as_object().unwrap().keys().collect();
        let own: Vec<&String> = ours.services.keys().collect();
        if names != own {
            return Err(format!("{}: {names:?} is not {own:?}", variant.name));
        }
        Ok(())
    });
}

#[test]
fn hadolint_is_clean() {
    let Some(hadolint) = tool("hadolint") else { return };
    // Its parser takes a quote after an escaped backslash for an escaped one, in every way to write it; and it takes
    // an escaped $HOME for a use of HOME, which the rust builder sets.
    let hard = ["BACKSLASH_LAST", "BACKSLASHES", "QUOTES", "ALL_OF_IT", "BRACES"];
    let variants: Vec<Variant> = variants_with(|name| !hard.contains(&name));
    in_parallel(&variants, |variant| {
        let home = written(variant);
        let files = render::scaffold(&variant.project);
        let paths = dockerfiles(&files).into_iter().map(|file| home.path().join(&file.path));
        // No settings of a user's own; every rule counts.
        let mut command = Command::new(&hadolint);
        command.env("XDG_CONFIG_HOME", home.path()).env("HOME", home.path()).current_dir("/");
        lint(variant, command.args(["--no-color", "--failure-threshold", "style"]).args(paths)).map(drop)
    });
}

#[test]
fn shellcheck_is_clean() {
    let Some(shellcheck) = tool("shellcheck") else { return };
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for variant in variants() {
        let home = tempfile::tempdir().unwrap();
        for file in render::scaffold(&variant.project) {
            if Path::new(&file.path).extension().is_none_or(|extension| extension != "sh")
                || seen.contains(&file.contents)
            {
                continue;
            }
            let path = home.path().join("script.sh");
            std::fs::write(&path, &file.contents).unwrap();
            assert!(file.contents.starts_with(b"#!/bin/sh\n"), "{} says what runs it", file.path);
            lint(&variant, Command::new(&shellcheck).args(["--norc", "--severity=style"]).arg(&path))
                .unwrap_or_else(|said| panic!("{}: {said}", file.path));
            seen.push(file.contents);
        }
    }
    assert!(seen.len() >= 3, "the scripts have moved");
}

#[test]
fn buildkit_checks_are_clean() {
    if docker().is_none() || !engine() {
        return;
    }
    let Some(probe) = docker() else { return };
    if !can_check(probe) {
        missing("engine and buildx with --check");
        return;
    }
    // Outside images of the user's own are looked up even to check: those that a registry would have to answer for.
    let offline = |variant: &&Variant| !variant.name.ends_with("images");
    let variants: Vec<Variant> = variants();
    let variants: Vec<&Variant> = variants.iter().filter(offline).collect();
    in_parallel(&variants, |variant| {
        let home = written(variant);
        let mut command = docker().unwrap();
        command.current_dir(&home).env("BUILDKIT_PROGRESS", "quiet");
        let ran = lint(variant, command.args(["buildx", "bake", "--file", "compose.yaml", "--check"]))?;
        let compose = compose::read(home.path(), &BTreeMap::new()).map_err(|error| error.to_string())?;
        let clean = ran.out.matches("no warnings found").count() + ran.err.matches("no warnings found").count();
        let said = format!("{}: {clean} of {} clean\n{}{}", variant.name, compose.services.len(), ran.out, ran.err);
        if clean == compose.services.len() { Ok(()) } else { Err(said) }
    });
}

/// buildx from 0.15 and an engine from 27 on.
fn can_check(mut docker: Command) -> bool {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("Dockerfile"), "FROM scratch\nCMD [\"/x\"]\n").unwrap();
    let ran = Ran::of(docker.args(["buildx", "build", "--check"]).arg(home.path()));
    ran.code == Some(0) && (ran.out + &ran.err).contains("no warnings found")
}

#[test]
fn hostile_values_arrive_as_they_are() {
    if docker().is_none() || !engine() {
        return;
    }
    let variants = variants();
    let variant = variants.iter().find(|variant| variant.text.contains("UNICODE")).unwrap();
    let stages =
        render::role(&variant.project, "installation").into_iter().find(|file| file.path == "Dockerfile").unwrap();
    let home = tempfile::tempdir().unwrap();
    // Of the service only the environment matters here.
    std::fs::write(
        home.path().join("Dockerfile"),
        format!("FROM scratch AS service\nENV PORT=8000\n{}", text(&stages)),
    )
    .unwrap();
    for (deployment, port) in [("staging", "9000"), ("production", "8000")] {
        let found = variant.project.deployments.iter().find(|one| one.name.as_str() == deployment).unwrap();
        let tag = format!("dockwright-test-env-{}:{deployment}", std::process::id());
        let folder = home.path().to_str().unwrap();
        docker_out(&["build", "--quiet", "--target", &variant.project.stage(found), "--tag", &tag, folder]);
        let env = docker_out(&["image", "inspect", "--format", "{{json .Config.Env}}", &tag]);
        docker_out(&["image", "rm", "--force", &tag]);
        let env: Vec<String> = serde_json::from_str(&env).unwrap();
        let env: BTreeMap<&str, &str> = env.iter().filter_map(|pair| pair.split_once('=')).collect();
        let mut expected: BTreeMap<&str, &str> =
            found.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        expected.insert("PORT", port);
        let secrets: Vec<_> = found.secrets.iter().map(|name| (name.file_variable(), name.secret_file())).collect();
        expected.extend(secrets.iter().map(|(name, file)| (name.as_str(), file.as_str())));
        let path = env.get("PATH").copied().unwrap_or_default();
        expected.insert("PATH", path);
        assert_eq!(env, expected, "{deployment}");
    }
}
