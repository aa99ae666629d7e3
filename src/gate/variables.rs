//! Variables of the environment whose values are nobody's secret: who, where, in which language, and what a runner says of the
//! job. All others may hold a token.

/// Names of variables that a project may take from any host.
const HARMLESS: &[&str] = &[
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILDKIT_PROGRESS",
    "CI",
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_REF_SLUG",
    "CI_COMMIT_SHA",
    "CI_COMMIT_SHORT_SHA",
    "CI_COMMIT_TAG",
    "CI_JOB_ID",
    "CI_PIPELINE_ID",
    "CI_PROJECT_NAME",
    "CI_PROJECT_PATH",
    "COLORTERM",
    "COLUMNS",
    "DISPLAY",
    "EGID",
    "EUID",
    "GID",
    "GITHUB_ACTIONS",
    "GITHUB_ACTOR",
    "GITHUB_BASE_REF",
    "GITHUB_EVENT_NAME",
    "GITHUB_HEAD_REF",
    "GITHUB_JOB",
    "GITHUB_REF",
    "GITHUB_REF_NAME",
    "GITHUB_REPOSITORY",
    "GITHUB_REPOSITORY_OWNER",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_SHA",
    "GITHUB_WORKSPACE",
    "GROUPS",
    "HOME",
    "HOST",
    "HOSTNAME",
    "HOSTTYPE",
    "LANG",
    "LANGUAGE",
    "LINES",
    "LOGNAME",
    "MACHTYPE",
    "NO_COLOR",
    "OLDPWD",
    "OSTYPE",
    "PATH",
    "PWD",
    "SHELL",
    "SHLVL",
    "SOURCE_DATE_EPOCH",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "UID",
    "USER",
    "USERNAME",
];

/// Where such names begin.
const HARMLESS_PREFIXES: &[&str] = &["COMPOSE_", "DOCKER_", "DOCKWRIGHT_", "LC_", "RUNNER_", "XDG_"];

/// Proxies, which everybody in a company has; only a password in one is somebody's.
const PROXIES: &[&str] = &["ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/// Words that settings have for values. They say nothing.
const ORDINARY: &[&str] = &[
    "all",
    "debug",
    "default",
    "dev",
    "development",
    "docker",
    "enabled",
    "disabled",
    "error",
    "false",
    "info",
    "latest",
    "local",
    "localhost",
    "main",
    "master",
    "no",
    "none",
    "null",
    "off",
    "on",
    "prod",
    "production",
    "root",
    "service",
    "stable",
    "staging",
    "test",
    "testing",
    "true",
    "warn",
    "warning",
    "yes",
];

/// Whether a value may be taken from the environment without asking.
#[must_use]
pub(super) fn is_harmless(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    HARMLESS.contains(&name)
        || HARMLESS_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || PROXIES.contains(&upper.as_str()) && !value.contains('@')
}

/// Whether a value of the environment is one that reports must not have: not a number, a path or a setting's usual word.
#[must_use]
pub fn may_be_secret(name: &str, value: &str) -> bool {
    /// Shorter values occur in many a text by chance.
    const SHORTEST: usize = 5;
    value.len() >= SHORTEST && !is_ordinary(name, value)
}

/// Whether a value says nothing of whose it is: a number, a path, a setting's usual word, or what everybody has of that name.
#[must_use]
pub fn is_ordinary(name: &str, value: &str) -> bool {
    let plain = value.chars().all(|c| c.is_ascii_digit() || ".:-".contains(c));
    let word = ORDINARY.contains(&value.to_ascii_lowercase().as_str());
    is_harmless(name, value) || plain || word || value.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_a_secret_is_kept_back() {
        for (name, value) in [("HOME", "/root"), ("LC_ALL", "C"), ("http_proxy", "http://proxy:3128")] {
            assert!(is_harmless(name, value) && !may_be_secret(name, value), "{name}");
        }
        for (name, value) in [("HTTP_PROXY", "http://me:pass@proxy"), ("TOKEN", "hunter2"), ("GITHUB_TOKEN", "ghs_123")]
        {
            assert!(!is_harmless(name, value) && may_be_secret(name, value), "{name}");
        }
        for (name, value, ordinary) in
            [("REPLICAS", "3", true), ("LOG_LEVEL", "Info", true), ("PAYMENTS", "live", false)]
        {
            assert_eq!(is_ordinary(name, value), ordinary, "{name}");
        }
        for (name, value) in [("TAG", "1.2.3"), ("PORT", "8000"), ("ENVIRONMENT", "production"), ("X", "abc")] {
            assert!(!is_harmless(name, value) && !may_be_secret(name, value), "{name}");
        }
    }
}
