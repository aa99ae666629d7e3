//! What concerns every role.

use super::Contract;

pub(super) const BUILDS: Contract = Contract {
    name: "scaffold.builds",
    promise: "The image of every role builds from the context that compose.yaml declares.",
    how: "Builds the stage of every enabled role with the context, target and build arguments that compose.yaml gives \
          it. A failure names the instruction, its exit code and the end of its log.",
    fix: "Look at the instruction that the failure names and at the log below it. `docker compose build ROLE` runs the \
          same build.",
    yields_to: &[],
};

pub(super) const IGNORE: Contract = Contract {
    name: "scaffold.ignore",
    promise: "No image contains version control, environment files, secrets or build outputs from the build context.",
    how: "Adds files of each kind, each with a random word in it, to the build context as it is sent: `.git` (the \
          project's, and that of a repository inside it, where there is one), `.env`, keys, the files that compose.yaml \
          names as secrets, and what the stack's tools leave behind. If the ignore rules let any of them through, it \
          builds every role's image again with them and searches all layers for the words. A kind that reaches the \
          service image is left to the contract that follows it there, if that one fails: service.no-deployment-env, \
          service.no-secret or build.from-source.",
    fix: "Name the file or its folder in .dockerignore, or copy only what the image needs, by name.",
    yields_to: &["service.no-deployment-env", "service.no-secret", "build.from-source"],
};

pub(super) const PINNED: Contract = Contract {
    name: "scaffold.pinned",
    promise: "Every external image is named by an exact tag or a digest, never by `latest`; where dockwright.lock \
              exists, by the digest in it.",
    how: "Reads every FROM, COPY --from and RUN --mount=from on the way to a role's stage, with the build arguments of \
          compose.yaml, and the images of the services that a role depends on. A tag that moves with what is published \
          (`latest`, `lts`, `stable`, a variant without a version) is not exact; a digest always is.",
    fix: "Write the version into the tag, as in `3.13-slim-trixie`. Where dockwright.lock exists, add its \
          digest: `name:tag@sha256:…`.",
    yields_to: &[],
};

pub(super) const UNPRIVILEGED: Contract = Contract {
    name: "scaffold.unprivileged",
    promise: "No role is privileged, joins a namespace of the host, reaches the engine, or keeps a capability once it \
              serves.",
    how: "Reads what every role's service in compose.yaml asks for: `privileged`, host namespaces, added capabilities, \
          devices, confinement, and mounts of the engine's socket or of a folder that contains it. Then starts dev, \
          service and the installations and reads the effective, permitted and ambient capabilities of their \
          processes. The engine's own init does not count, and neither does the capability to bind a port below 1024 \
          if the service's port is one. Where the processes cannot be read, the user and the dropped capabilities \
          decide.",
    fix: "Remove the setting that the failure names from compose.yaml, and drop all capabilities (`cap_drop: [ALL]`). \
          Let an entrypoint that starts as root give up its capabilities before it starts the service.",
    yields_to: &[
        "dev.mount",
        "dev.reload",
        "dev.owner",
        "service.port",
        "service.non-root",
        "service.read-only",
        "installation.port",
    ],
};
