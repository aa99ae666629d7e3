//! The promises of dev.

use super::Contract;

pub(super) const MOUNT: Contract = Contract {
    name: "dev.mount",
    promise: "The project's own source folder is bind-mounted, writable, at the working directory.",
    how: "Reads the dev service's volumes as Compose does, starts it on a copy of the project, and looks at the \
          mounts of the running container.",
    mend: "In compose.yaml, give dev the volume `.:/srv/app` (source folder, working directory), without `:ro`.",
};

pub(super) const NO_SOURCE: Contract = Contract {
    name: "dev.no-source",
    promise: "The dev image holds no file of the project's source, so the mount is what runs.",
    how: "Compares every file of the image, by content, with every file of the project; empty files, dependency \
          manifests, licences and the entry scripts that the image itself starts are left aside.",
    mend: "Take the COPY or ADD of the source out of the dev stage and of the stages that it is made from; \
           copy only dependency manifests there.",
};

pub(super) const RELOAD: Contract = Contract {
    name: "dev.reload",
    promise: "An edit on the host is served without a rebuild or a restart of the container.",
    how: "Runs dev (and what it depends on) on a copy of the project and edits it as [verify.reload] says: written in \
          place, saved by rename, beside a new and a deleted file, and again after a syntax error. Each time it \
          waits for the new answer from the same container.",
    mend: "Start dev with the stack's reloader, on the mounted folder, as the container's own command.",
};

pub(super) const OWNER: Contract = Contract {
    name: "dev.owner",
    promise: "What the container writes on the mount belongs to the host's user.",
    how: "Runs dev on a copy of the project that belongs to another uid than root's, and compares the uid and gid that \
          its processes run as with the owner of the copy; whatever they wrote there is looked at too.",
    mend: "Let the container take on the owner of the mounted folder, as docker/as-owner.sh does, or set `user:` in \
           compose.yaml to the host's uid and gid.",
};

pub(super) const PROD_DEPS_ONLY: Contract = Contract {
    name: "dev.prod-deps-only",
    promise: "Exactly the locked production dependencies are in dev: no development or test group, and no compiler, \
              version control, debugger or editor beyond the base image's.",
    how: "Looks through the files that dev has and its base image has not, without running any: for tools by the names \
          of their programs, and for what is installed, by the manifests that packages bring, which it compares with the \
          production part of the lock file. A locked dependency that the service has and dev has not is told, too. dev of a \
          compiled stack has no toolchain, not even from its base image.",
    mend: "Install production dependencies alone in dev and in the stages that it is made from; tools belong in \
           dev-tools, test dependencies in test.",
};

pub(super) const SAME_RUNTIME: Contract = Contract {
    name: "dev.same-runtime",
    promise: "The runtime of dev, its interpreter and C library, is the one that the service ships.",
    how: "Follows the service's command to the program that it starts, through PATH, links and the first lines of \
          scripts, and compares it, byte for byte, with what the same name starts in dev; likewise the C library, its \
          loader, and the libraries of interpreters. The service's own code is left aside, and a static binary without \
          any of them has no runtime that could differ.",
    mend: "Make dev and service from one stage, or FROM one image, and leave its interpreter and libraries alone in both.",
};
