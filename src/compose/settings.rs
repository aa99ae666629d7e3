//! What a service says of its container, key by key: a row here and a field of [`Settings`] are all that a key takes before
//! the engine is told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::context::Decoding;
use super::details::{healthcheck, ulimits};
use super::fault::ComposeFault;
use super::limits::deploy;
use super::mounts::devices;
use super::values;
use super::yaml::{YamlNode, YamlValue};
use crate::spec::{Settings, Tmpfs};

/// How a key's value is read into the settings.
type Read = fn(&mut Settings, &Given<'_>, &mut Decoding<'_>) -> Result<(), ComposeFault>;

/// The keys, in the order in which they are read. A service's own limits come after those of `deploy`, and win.
const KEYS: &[(&str, Read)] = &[
    ("deploy", |to, given, context| deploy(given.node, context).map(|limits| to.limits = limits)),
    ("cap_add", |to, given, _| given.list().map(|names| to.cap_add = names)),
    ("cap_drop", |to, given, _| given.list().map(|names| to.cap_drop = names)),
    ("cgroup", |to, given, _| given.word().map(|mode| to.cgroup = mode)),
    ("command", |to, given, _| given.command().map(|words| to.command = words)),
    ("cpu_shares", |to, given, _| given.number().map(|shares| to.limits.cpu_shares = shares)),
    ("cpus", |to, given, _| given.fraction().map(|count| to.limits.cpus = count)),
    ("cpuset", |to, given, _| given.word().map(|set| to.limits.cpuset = set)),
    ("devices", |to, given, context| devices(given.node, context).map(|all| to.devices = all)),
    ("dns", |to, given, _| given.list().map(|servers| to.dns = servers)),
    ("dns_opt", |to, given, _| given.list().map(|options| to.dns_opt = options)),
    ("dns_search", |to, given, _| given.list().map(|domains| to.dns_search = domains)),
    ("domainname", |to, given, _| given.word().map(|name| to.domainname = name)),
    ("entrypoint", |to, given, _| given.command().map(|words| to.entrypoint = words)),
    ("environment", |to, given, context| given.variables(context.env).map(|all| to.environment = all)),
    ("extra_hosts", |to, given, _| values::extra_hosts(given.node, given.key).map(|hosts| to.extra_hosts = hosts)),
    ("group_add", |to, given, _| given.mixed().map(|groups| to.group_add = groups)),
    ("healthcheck", |to, given, context| healthcheck(given.node, context).map(|check| to.healthcheck = Some(check))),
    ("hostname", |to, given, _| given.word().map(|name| to.hostname = name)),
    ("init", |to, given, _| given.flag().map(|on| to.init = Some(on))),
    ("ipc", |to, given, _| given.word().map(|mode| to.ipc = mode)),
    ("labels", |to, given, _| given.map().map(|labels| to.labels = labels)),
    ("mem_limit", |to, given, _| given.size().map(|bytes| to.limits.memory = bytes)),
    ("mem_reservation", |to, given, _| given.size().map(|bytes| to.limits.memory_reservation = bytes)),
    ("memswap_limit", |to, given, _| given.size().map(|bytes| to.limits.memory_swap = bytes)),
    ("network_mode", |to, given, _| given.word().map(|mode| to.network_mode = mode)),
    ("oom_score_adj", |to, given, _| given.number().map(|score| to.oom_score_adj = score)),
    ("pid", |to, given, _| given.word().map(|mode| to.pid = mode)),
    ("pids_limit", |to, given, _| given.number().map(|count| to.limits.pids = count)),
    ("platform", |to, given, _| given.word().map(|platform| to.platform = platform)),
    ("privileged", |to, given, _| given.flag().map(|on| to.privileged = on)),
    ("read_only", |to, given, _| given.flag().map(|on| to.read_only = on)),
    ("restart", |to, given, _| given.word().map(|policy| to.restart = policy)),
    ("runtime", |to, given, _| given.word().map(|runtime| to.runtime = runtime)),
    ("security_opt", |to, given, _| given.list().map(|options| to.security_opt = options)),
    ("shm_size", |to, given, _| given.size().map(|bytes| to.shm_size = bytes)),
    ("stdin_open", |to, given, _| given.flag().map(|on| to.stdin_open = on)),
    ("stop_grace_period", |to, given, _| given.time().map(|time| to.stop_grace_period = Some(time))),
    ("stop_signal", |to, given, _| given.word().map(|signal| to.stop_signal = signal)),
    ("sysctls", |to, given, _| given.map().map(|all| to.sysctls = all)),
    ("tmpfs", |to, given, _| given.list().map(|all| to.tmpfs = all.iter().map(|one| Tmpfs::parse(one)).collect())),
    ("tty", |to, given, _| given.flag().map(|on| to.tty = on)),
    ("ulimits", |to, given, context| ulimits(given.node, context).map(|limits| to.ulimits = limits)),
    ("user", |to, given, _| given.word().map(|user| to.user = user)),
    ("userns_mode", |to, given, _| given.word().map(|mode| to.userns_mode = mode)),
    ("uts", |to, given, _| given.word().map(|mode| to.uts = mode)),
    ("working_dir", |to, given, _| given.word().map(|folder| to.working_dir = folder)),
];

/// The keys that are read here.
pub(super) fn keys() -> Vec<&'static str> {
    KEYS.iter().map(|(key, _)| *key).collect()
}

/// A service's settings.
pub(super) fn settings(service: &YamlNode, context: &mut Decoding<'_>) -> Result<Settings, ComposeFault> {
    let mut settings = Settings::default();
    for (key, read) in KEYS {
        if let Some(node) = service.get(key) {
            read(&mut settings, &Given { key, node }, context)?;
        }
    }
    Ok(settings)
}

/// A key's value, and the key for what is said of it.
struct Given<'a> {
    key: &'a str,
    node: &'a YamlNode,
}

impl Given<'_> {
    fn word(&self) -> Result<Option<String>, ComposeFault> {
        values::text(self.node, self.key).map(Some)
    }

    fn flag(&self) -> Result<bool, ComposeFault> {
        values::boolean(self.node, self.key)
    }

    fn number(&self) -> Result<Option<i64>, ComposeFault> {
        values::integer(self.node, self.key).map(Some)
    }

    fn fraction(&self) -> Result<Option<f64>, ComposeFault> {
        values::float(self.node, self.key).map(Some)
    }

    fn size(&self) -> Result<Option<i64>, ComposeFault> {
        values::bytes(self.node, self.key).map(Some)
    }

    fn time(&self) -> Result<Duration, ComposeFault> {
        values::duration(self.node, self.key)
    }

    /// Strings, each once.
    fn list(&self) -> Result<Vec<String>, ComposeFault> {
        values::texts(self.node, self.key).map(values::unique)
    }

    /// Strings and numbers, each once.
    fn mixed(&self) -> Result<Vec<String>, ComposeFault> {
        values::scalars(self.node, self.key).map(values::unique)
    }

    fn map(&self) -> Result<BTreeMap<String, String>, ComposeFault> {
        values::map(self.node, self.key)
    }

    /// Variables; one without a value has the host's.
    fn variables(&self, host: &BTreeMap<String, String>) -> Result<BTreeMap<String, Option<String>>, ComposeFault> {
        let pairs = values::pairs(self.node, self.key)?;
        let resolved = pairs.into_iter().map(|(name, value)| {
            let value = value.or_else(|| host.get(&name).cloned());
            (name, value)
        });
        Ok(resolved.collect())
    }

    /// Words, or a line that is split into them as Compose does; null says nothing.
    fn command(&self) -> Result<Option<Vec<String>>, ComposeFault> {
        let refuse = |why: String| ComposeFault::new(&self.node.place, why);
        match &self.node.value {
            YamlValue::Null => Ok(None),
            YamlValue::List(_) => values::texts(self.node, self.key).map(Some),
            YamlValue::Text(line) => values::shell_words(line).map(Some).map_err(|why| {
                refuse(format!("`{}` cannot be split into words: {why}", self.key))
                    .hint("write it as a list, or run a shell: [\"sh\", \"-c\", \"…\"]")
            }),
            _ => Err(refuse(format!("`{}` takes a string or a list", self.key))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::keys;

    #[test]
    fn a_key_is_read_in_one_place() {
        let elsewhere: Vec<&str> = keys::SERVICE.iter().flat_map(|(names, _)| names.iter().copied()).collect();
        for (at, (key, _)) in KEYS.iter().enumerate() {
            assert!(!elsewhere.contains(key), "{key} is in keys.rs, too");
            assert!(KEYS[..at].iter().all(|(other, _)| other != key), "{key} is there twice");
        }
    }
}
