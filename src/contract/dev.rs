//! The promises of dev.

use super::Contract;

pub(super) const MOUNT: Contract = Contract {
    name: "dev.mount",
    promise: "The project's source folder is bind-mounted at dev's working directory, and is writable.",
    how: "Reads dev's volumes as Compose does: the innermost one that covers the working directory must be a writable \
          bind mount of a folder of the project. Then puts a file into a copy of the project, creates the container on \
          that copy without starting it, and looks for the file below the mount.",
    fix: "In compose.yaml, give dev the volume `.:/srv/app` (source folder, working directory), without `:ro`.",
    yields_to: &[],
};

pub(super) const NO_SOURCE: Contract = Contract {
    name: "dev.no-source",
    promise: "The dev image contains none of the project's source, so what runs is the mounted source.",
    how: "Compares every file of the image, by content, with every file of the project. Files of a few bytes, \
          dependency manifests, licences, the files that make the containers, and the scripts that the image starts do \
          not count.",
    fix: "Remove the COPY or ADD of the source from the dev stage and from the stages that it is made from; copy only \
          dependency manifests there.",
    yields_to: &[],
};

pub(super) const RELOAD: Contract = Contract {
    name: "dev.reload",
    promise: "An edit on the host is served without a rebuild and without a restart of the container.",
    how: "Starts dev, and what it depends on, on a copy of the project and makes the edit of [verify.reload] in four \
          ways: written in place, saved by rename, deleted and created again, saved again after a syntax error. Each \
          time it waits for the new answer, and for ten of them in a row, from a container that has not restarted. If \
          the edits start a new process, it then edits the other files of that kind, tests aside, and waits for \
          another. Without [verify.reload] it adds a \
          line to every source file and waits until a new process in the same container answers the health path.",
    fix: "Make the stack's reloader dev's command, and let it watch the mounted folder.",
    yields_to: &["dev.mount", "service.read-only"],
};

pub(super) const OWNER: Contract = Contract {
    name: "dev.owner",
    promise: "What dev writes on the mount belongs to the host's user.",
    how: "Starts dev on a copy of the project that belongs to a uid other than root's, and compares that uid with the \
          uid of dev's processes and of every file that they wrote there. Then writes a file with the ids of the \
          serving process and looks at its owner and group on the host.",
    fix: "Let the entrypoint take on the owner of the mounted folder, as docker/as-owner.sh does, or set `user:` in \
          compose.yaml to the host's uid and gid.",
    yields_to: &["dev.mount", "dev.reload"],
};

pub(super) const PROD_DEPS_ONLY: Contract = Contract {
    name: "dev.prod-deps-only",
    promise: "dev contains exactly the locked production dependencies: no development or test group, and no compiler, \
              version control, debugger, editor or checker that its base image lacks.",
    how: "Looks at the files that dev has and its base image lacks, and runs none of them. Finds tools by the names of \
          their programs and, of packages that the service does without, by the distribution's section (editors, vcs, \
          devel, debug), and compares what is installed, by the manifests that packages bring, with the production part of \
          the lock file. A locked dependency that the service has and dev lacks is a failure, too. In a compiled \
          stack, dev has no toolchain, not even from its base image, and no dependencies to compare.",
    fix: "Install only production dependencies in dev and in the stages that it is made from. Tools belong in \
          dev-tools, test dependencies in test.",
    yields_to: &["service.no-build-deps"],
};

pub(super) const SAME_RUNTIME: Contract = Contract {
    name: "dev.same-runtime",
    promise: "dev has the runtime that the service ships: the same interpreter and the same C library.",
    how: "Follows the service's command to the program that it starts, through PATH, links and the first lines of \
          scripts, and compares that program, byte for byte, with what dev has under the same name. Compares the C \
          library, its loader and the libraries of interpreters likewise. The service's own code does not count. A \
          static binary that needs none of them has no runtime that could differ.",
    fix: "Make dev and service from one stage, or FROM the same image, and change neither the interpreter nor its \
          libraries in either.",
    yields_to: &[],
};
