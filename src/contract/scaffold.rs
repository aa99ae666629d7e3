//! What concerns every role.

use super::Contract;

pub(super) const BUILDS: Contract = Contract {
    name: "scaffold.builds",
    promise: "The image of every role builds from the context that compose.yaml declares.",
    how: "Builds the stage of every enabled role with the context, target and build arguments that compose.yaml gives \
          it. A failure names the instruction, its exit code and the end of its log.",
    therefore: "The engine has built every image from compose.yaml's own build settings.",
    assumes: &["A step that the engine takes from its cache is not run again: it may fail on a machine that has no \
        cache."],
    fix: "Look at the instruction that the failure names and at the log below it. `docker compose build ROLE` runs the \
          same build.",
    yields_to: &[],
};

pub(super) const IGNORE: Contract = Contract {
    name: "scaffold.ignore",
    promise: "No image contains version control, environment files, secrets or build outputs from the build context.",
    how: "Adds files of each kind, each with a random word in it, to the build context as it is sent: `.git` (the \
          project's, and that of a repository inside it, where there is one), `.env`, keys, the files that compose.yaml \
          names as secrets, and what the stack's tools leave behind; likewise in every environment file and private key \
          that is there, in whatever folder, tests aside. If the ignore rules let any of them through, it \
          builds every role's image again with them and searches all layers for the words. A kind that reaches the \
          service image is left to the contract that follows it there, if that one fails: service.no-deployment-env, \
          service.no-secret or build.from-source.",
    therefore: "The files stood where such files usually are, and no image contains a byte of them. A real file in the \
          same place is left out by the same rule.",
    assumes: &[
        "A secret in an unusual place is not tried, unless compose.yaml names it.",
        "A build step that transforms a file, other than by gzip or zstd, hides the word in it.",
        "An environment file that sets only what the build publishes in any case (`VITE_`, `NEXT_PUBLIC_`) counts as source.",
    ],
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
    therefore: "An exact tag names one release, and a digest names one image.",
    assumes: &[
        "A publisher can move an exact tag. Only a digest excludes that.",
        "Images that a build step downloads by itself, with skopeo say, are not seen.",
    ],
    fix: "Write the version into the tag, as in `3.13-slim-trixie`. Where dockwright.lock exists, add its \
          digest: `name:tag@sha256:…`.",
    yields_to: &[],
};

pub(super) const UNPRIVILEGED: Contract = Contract {
    name: "scaffold.unprivileged",
    promise: "No role is privileged, joins a namespace of the host, reaches the engine, or keeps a capability once it \
              serves.",
    how: "Reads what every role's service in compose.yaml asks for: `privileged`, host namespaces, added capabilities, \
          devices, confinement, privileged builds and hooks, and whatever brings the engine's socket or a folder that contains \
          it. Then starts dev, \
          service and the installations and reads the effective, permitted and ambient capabilities of their \
          processes. The engine's own init does not count, and neither does the capability to bind a port below 1024 \
          if the service's port is one. Where the processes cannot be read, the user and the dropped capabilities \
          decide.",
    therefore: "The engine gives no privilege that compose.yaml does not request, and the kernel showed the capabilities \
          of every process that ran.",
    assumes: &[
        "Capabilities are read only if the engine is on this machine. Otherwise compose.yaml is all the evidence.",
        "A process that starts later is not seen.",
    ],
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

pub(super) const PORTABLE: Contract = Contract {
    name: "scaffold.portable",
    promise: "Every role works from a checkout of another umask and of other line ends, and beside a second checkout.",
    how: "Copies the project as a checkout under umask 077 has it, with CRLF in every text file for which .gitattributes \
          says nothing else, and without programs that git ignores. Builds all images from the copy and starts service, \
          test, dev and dev-tools on it: what serves must answer, the suite must pass, dev-tools must stay up. What fails \
          there is tried again on the project as it is, and counts only if it works here. Also reads compose.yaml, and the \
          .env beside it unless git ignores that: no project, container, volume or network may have a fixed name.",
    therefore: "The roles worked although no file had the mode or the line ends that it has here, and no program that \
                git ignores was there. Compose tells two checkouts apart by the project's name, which comes from the \
                folder if nothing fixes it.",
    assumes: &[
        "Manifests and lock files stay as they are, so that dependencies need not be downloaded again.",
        "Data and settings that git ignores stay: whoever works on a checkout provides them.",
        "Ports that compose.yaml publishes may still collide, and so may a name that a variable gives.",
        "A file system that ignores case is not tried.",
    ],
    fix: "Give copied files their mode (`COPY --chmod=0755`), keep line feeds with `* text=auto eol=lf` in .gitattributes, \
          remove `name:` and `container_name:` from compose.yaml, and commit the programs that the roles need.",
    yields_to: &[
        "scaffold.builds",
        "dev.mount",
        "dev.reload",
        "dev.owner",
        "dev-tools.present",
        "service.port",
        "service.read-only",
        "service.health",
        "test.passes",
    ],
};
