//! The kinds of things that a project can ask of its host, each with why that matters and what to do about it.

/// A kind of thing that is asked of the host, by the name that `--trust` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// A container, or a build, that is privileged.
    Privileged,
    /// A namespace of the host or of somebody else's container.
    HostNamespaces,
    /// Devices of the host.
    Devices,
    /// Capabilities beyond those that every container has.
    Capabilities,
    /// The engine's confinement switched off or replaced.
    SecurityOpt,
    /// The engine, or another program of the host that listens on a socket.
    EngineSocket,
    /// Folders and files outside of the project that are mounted.
    HostFolders,
    /// Variables of the environment.
    HostVariables,
    /// Files outside of the project that are read.
    HostFiles,
    /// Folders outside of the project that builds read.
    BuildContexts,
    /// What builds are given of the host.
    BuildAccess,
}

/// What is said of a kind.
#[derive(Debug)]
pub struct TrustKind {
    /// Which it is.
    pub trust: Trust,
    /// Its name on the command line and in the configuration.
    pub name: &'static str,
    /// What somebody can do with it, as a clause.
    pub why: &'static str,
    /// What to do instead, in the imperative.
    pub fix: &'static str,
}

/// All kinds, in the order in which people see them.
pub const KINDS: &[TrustKind] = &[
    TrustKind {
        trust: Trust::Privileged,
        name: "privileged",
        why: "a privileged container is root on the host",
        fix: "remove it, or add the one capability that is needed",
    },
    TrustKind {
        trust: Trust::HostNamespaces,
        name: "host-namespaces",
        why: "it sees, and may stop or listen to, what others run on the host",
        fix: "remove it; containers on one network reach each other by the names of their services",
    },
    TrustKind {
        trust: Trust::Devices,
        name: "devices",
        why: "a device of the host is shared with everybody who uses it",
        fix: "remove it, if the service works without",
    },
    TrustKind {
        trust: Trust::Capabilities,
        name: "capabilities",
        why: "the engine withholds it from containers, because it reaches beyond them",
        fix: "remove it, if the service works without",
    },
    TrustKind {
        trust: Trust::SecurityOpt,
        name: "security-opt",
        why: "it turns off what separates a container from the host",
        fix: "remove it; `no-new-privileges:true` needs no trust",
    },
    TrustKind {
        trust: Trust::EngineSocket,
        name: "engine-socket",
        why: "whoever reaches the engine is root on the host",
        fix: "remove the mount; no role needs the engine",
    },
    TrustKind {
        trust: Trust::HostFolders,
        name: "host-folders",
        why: "the container reads what is there, and can send it anywhere",
        fix: "mount a folder of the project, or a named volume",
    },
    TrustKind {
        trust: Trust::HostVariables,
        name: "host-variables",
        why: "the value comes from this environment, where tokens and passwords are, and goes into a container or build",
        fix: "write the value in .env or compose.yaml, or unset the variable for this command",
    },
    TrustKind {
        trust: Trust::HostFiles,
        name: "host-files",
        why: "what is in the file goes into containers, builds or settings",
        fix: "name a file of the project",
    },
    TrustKind {
        trust: Trust::BuildContexts,
        name: "build-contexts",
        why: "the build reads what is there, and can send it anywhere",
        fix: "build from a folder of the project",
    },
    TrustKind {
        trust: Trust::BuildAccess,
        name: "build-access",
        why: "commands of the build use what is the user's or the host's",
        fix: "remove it, if the build works without",
    },
];

impl Trust {
    /// What is said of it.
    #[must_use]
    pub fn kind(self) -> &'static TrustKind {
        KINDS.iter().find(|kind| kind.trust == self).expect("each has its row, and a test counts them")
    }
}

/// What somebody has trusted: a kind, whole or only one thing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The kind.
    pub trust: Trust,
    /// A service, variable or path; none for all of the kind.
    pub only: Option<String>,
}

impl std::str::FromStr for Trusted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, only) = text.split_once('=').map_or((text, None), |(name, only)| (name, Some(only.to_owned())));
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            return Err(format!("the kinds are {}", names.join(", ")));
        };
        if only.as_deref() == Some("") {
            return Err(format!("name what to trust, such as {name}=WHAT, or trust all of it: {name}"));
        }
        Ok(Self { trust: kind.trust, only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_named_once_and_trusted_whole_or_in_part() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert_eq!(index, kind.trust as usize, "{}: in the order of the enum", kind.name);
            assert_eq!(kind.name.parse(), Ok(Trusted { trust: kind.trust, only: None }));
        }
        assert_eq!(KINDS.len(), Trust::BuildAccess as usize + 1);
        let one: Trusted = "host-variables=TAG".parse().unwrap();
        assert_eq!((one.trust, one.only.as_deref()), (Trust::HostVariables, Some("TAG")));
        assert!("everything".parse::<Trusted>().unwrap_err().contains("engine-socket"));
        assert!("devices=".parse::<Trusted>().is_err());
    }
}
