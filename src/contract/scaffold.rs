//! What concerns every role.

use super::Contract;

pub(super) const BUILDS: Contract = Contract {
    name: "scaffold.builds",
    promise: "Every role's image builds from the declared context.",
    how: "Builds the stage of every role that is on, with the context, target and arguments that compose.yaml gives \
          for it, and names the instruction that fails, its exit code and the end of its log.",
    mend: "Look at the instruction that the failure names, and at the log below it. `docker compose build ROLE` \
           shows the same build.",
};

pub(super) const IGNORE: Contract = Contract {
    name: "scaffold.ignore",
    promise: "Version control, environment files, secrets and build outputs in the build context reach no image.",
    how: "Puts files of each kind, each with a random word in it, into the build context as it is sent: `.git`, `.env`, \
          keys, files that compose.yaml names as secrets, and what the stack's tools leave behind. Where the ignore \
          rules let one through, every role's image is built with it, and all layers are searched for the words. A \
          kind that reaches the service image and that a contract of service follows is told by that one.",
    mend: "Name what the failure names in .dockerignore, or copy only what is needed by its name.",
};

pub(super) const PINNED: Contract = Contract {
    name: "scaffold.pinned",
    promise: "Every outside image is named by an exact tag, never `latest`; where dockwright.lock exists, by its digest.",
    how: "Reads every FROM, COPY --from and RUN --mount=from on the way to a role's stage, with the build arguments of \
          compose.yaml, and the images of services that a role depends on. A tag that follows what is published \
          (`latest`, `lts`, `stable`, a variant without a version) is not exact; a digest always is.",
    mend: "Name the version in the tag, as in `3.13-slim-trixie`; where dockwright.lock is, add its digest: \
           `name:tag@sha256:…`.",
};

pub(super) const UNPRIVILEGED: Contract = Contract {
    name: "scaffold.unprivileged",
    promise: "No role is privileged, joins a namespace of the host, reaches the engine, or keeps a capability once it \
              serves.",
    how: "Reads what every role's service in compose.yaml asks for (privileged, namespaces, mounts of the engine's socket \
          or of folders that hold it, devices, confinement), then starts dev, service and the installations and reads \
          the effective, permitted and ambient capabilities of their processes. The engine's own init does not count, nor \
          does the capability to bind a port below 1024 where the service's port is one. Where processes cannot be \
          read, the user and the dropped capabilities decide.",
    mend: "Take the setting that the failure names out of compose.yaml, drop all capabilities (`cap_drop: [ALL]`), and let \
           an entrypoint that starts as root give up what it has before it starts the service.",
};
