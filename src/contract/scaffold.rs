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
    mend: "Name the version in the tag, as `python:3.13-slim-trixie`; where dockwright.lock is, add its digest: \
           `name:tag@sha256:…`.",
};
