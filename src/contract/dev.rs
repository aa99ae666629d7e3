//! The promises of dev.

use super::Contract;

pub(super) const MOUNT: Contract = Contract {
    name: "dev.mount",
    promise: "The project's source folder is bind-mounted at dev's working directory, and is writable.",
    how: "Reads dev's volumes as Compose does: the innermost one that covers the working directory must be a writable \
          bind mount of a folder of the project, and nothing else may lie over its files: no other volume, config, \
          secret or file system in memory, and no VOLUME of the image. Then puts a file into a copy of the project, creates the container on \
          that copy without starting it, and looks for the file below the mount.",
    therefore: "The engine sees a file from the host's folder below the mount, so the container works on that folder.",
    assumes: &[
        "A mount over a folder that tools fill, such as installed packages, is allowed, and so is a second, read-only mount \
         of data.",
    ],
    fix: "In compose.yaml, give dev the volume `.:/srv/app` (source folder, working directory), without `:ro`.",
    yields_to: &[],
};

pub(super) const NO_SOURCE: Contract = Contract {
    name: "dev.no-source",
    promise: "The dev image contains none of the project's source, so what runs is the mounted source.",
    how: "Compares every file of the image, by content, with every file of the project. Files of a few bytes, \
          dependency manifests, licences, the files that make the containers, the scripts that the image starts, and \
          what an installed package has in another place than the project do not count.",
    therefore: "An image without the contents of any source file can run only what is mounted.",
    assumes: &[
        "Source that a compiler or a formatter changed on its way into the image is not recognised.",
        "Files of less than 24 bytes or more than 16 MiB are not compared.",
    ],
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
          another. If the file is not a program, as a template is not, it edits all programs. Without [verify.reload] it adds a \
          line to every source file and waits until a new process in the same container answers the health path.",
    therefore: "Ten answers in a row show the new text, and the container has not restarted. So the reloader replaced \
          every server. If an edit starts a new process, an edit of other files did so, too. If the file is not a \
          program, an edit of the programs started a new process, or an error in them showed.",
    assumes: &[
        "The other files are edited together: one that the reloader does not watch is not found.",
        "Templates, settings and other kinds of files are not edited.",
    ],
    fix: "Make the stack's reloader dev's command, and let it watch the mounted folder.",
    yields_to: &["dev.mount", "service.read-only"],
};

pub(super) const OWNER: Contract = Contract {
    name: "dev.owner",
    promise: "What dev writes on the mount belongs to the host's user.",
    how: "Starts dev on a copy of the project that belongs to a uid other than root's, and compares that uid with the \
          uid of dev's processes and of every file that they wrote there. Then writes a file with the ids of the \
          serving process and looks at its owner and group on the host.",
    therefore: "The processes run with the uid of the source's owner, which no account in the image has, and their files \
          belong to it.",
    assumes: &[
        "On an engine that shifts user ids the contract is inconclusive.",
        "A process that starts later as another user is found only by the files that it wrote before.",
    ],
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
    therefore: "A package names itself in its manifest, and a tool by its program or package. All of them were compared \
          with the lock file and with the lists of tools.",
    assumes: &[
        "A tool that is on no list, belongs to no package and has a name of its own is not recognised.",
        "If dockwright cannot read the lock file's format, packages are not compared.",
    ],
    fix: "Install only production dependencies in dev and in the stages that it is made from. Tools belong in \
          dev-tools, test dependencies in test.",
    yields_to: &["service.no-build-deps"],
};

pub(super) const SAME_RUNTIME: Contract = Contract {
    name: "dev.same-runtime",
    promise: "dev has the runtime that the service ships: the same interpreter and the same C library.",
    how: "Follows the service's command to the program that it starts, through PATH, links and the first lines of \
          scripts, and compares that program, byte for byte, with what dev has under the same name. Compares the C \
          library, its loader and the libraries of interpreters likewise. Then starts both, and compares the programs \
          whose processes hold the socket that each serves on (not seen if the engine is on another machine). The \
          service's own code does not count. A static binary that needs none of them has no runtime that could differ.",
    therefore: "The same bytes run the code in dev and in the service, whatever names or paths lead to them.",
    assumes: &[
        "Other libraries than the C library and those of interpreters may differ.",
        "Running programs are compared only if the engine is on this machine. Otherwise only the service's \
        command is followed.",
    ],
    fix: "Make dev and service from one stage, or FROM the same image, and change neither the interpreter nor its \
          libraries in either.",
    yields_to: &[],
};

pub(super) const IDLE: Contract = Contract {
    name: "dev.idle",
    promise: "At rest, dev costs at most 5 % of a processor, however many files the source has.",
    how: "Puts 4,000 empty files into the folder of the source, in a copy of the project, starts dev on it, waits until it \
          answers, and asks the engine for the processor time of dev and of every container that it starts on the same \
          source. One of five windows of six seconds must cost 5 % of one processor at most.",
    therefore: "What looks at every file again and again costs more with every file, and 4,000 files show that. Whatever \
                work they cause at the start is over in one of the later windows.",
    assumes: &[
        "Work that comes less often than every six seconds is not seen.",
        "The files are called like the source: a reloader that looks only at others is not seen. More than 4,000 may cost \
         more.",
        "An engine that does not count processor time makes the contract inconclusive.",
    ],
    fix: "Let the reloader wait for events, or let it look less often the more files there are, as \
          docker/run-on-change.sh does.",
    yields_to: &["dev.mount", "dev.reload"],
};
