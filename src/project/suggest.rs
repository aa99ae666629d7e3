//! What was probably meant.

use crate::stacks::{Examples, examples};

/// What other tools call a thing, and what to do here: the hint for an unknown key where no key comes near.
pub(super) fn other_words(key: &str) -> Option<String> {
    const WORDS: &[(&[&str], &str)] = &[
        (
            &["installation", "production", "staging"],
            "describe an installation as [deployments.NAME], for example [deployments.production]",
        ),
        (
            &["environment", "environments", "environ", "envs", "vars", "variables"],
            "environment variables go in `env`, as in env = { LOG_LEVEL = \"debug\" }",
        ),
        (
            &["cmd", "run", "start", "entrypoint", "script", "exec"],
            "what to start goes in `command`, as in command = @command@",
        ),
        (
            &["skip", "skips", "ignore", "disable", "disabled", "exclude", "allow-failure"],
            "a contract that may fail for a while is waived with [[verify.waivers]]: contract, reason, expires",
        ),
        (&["language", "lang", "runtime-version", "template"], "the language goes in `stack` of [service]"),
        (
            &["apt", "apt-packages", "deps", "dependencies", "system-packages"],
            "Debian packages go in `packages` of a role, as in packages = [\"libpq5\"]",
        ),
        (&["healthcheck", "health-check", "liveness", "readiness"], "the path to ask goes in `health` of [verify]"),
        (&["image", "base", "base-image", "from"], "base images go in [images], as in runtime = @image@"),
        (&["devtools", "dev-container", "devcontainer", "tooling"], "tools to develop with go in [roles.dev-tools]"),
        (&["volumes", "mounts", "networks", "depends-on", "replicas"], "add it to compose.yaml"),
        (
            &["args", "build-args"],
            "a build here takes no arguments: it knows no deployment, so that one build serves all",
        ),
    ];
    let key = key.to_lowercase().replace('_', "-");
    let (_, hint) = WORDS.iter().find(|(words, _)| words.contains(&key.as_str()))?;
    let Examples { command, runtime, .. } = examples();
    Some(hint.replace("@command@", &format!("{command:?}")).replace("@image@", &format!("{runtime:?}")))
}
