//! The promises of service.

use super::Contract;

pub(super) const NO_BUILD_DEPS: Contract = Contract {
    name: "service.no-build-deps",
    promise: "The service image contains nothing that only the build needs: no toolchain, headers, package caches, \
              build dependencies or tests, and no source that is not the artefact itself.",
    how: "Reads every file that the service image adds to its external base image. Looks for compilers and what they \
          leave, headers, caches of package managers, the project's tests, the sources that something else was made \
          from, and packages that the builder has and dev, with its production dependencies, lacks; where dev is of your \
          own Dockerfile, packages that your manifests and requirement files list for development and your lock does not \
          count to production. A file that is named like a test and contains none is data, and so is source in a \
          language that the build has no tool for.",
    therefore: "Every file that the image adds to its base was examined: by its name, its content and its package.",
    assumes: &[
        "A tool with a name of its own is not recognised, nor is a test in a language other than the stack's.",
        "What the base image contains is not judged.",
        "Beside a dev of your own, and without a lock, packages for development are seen only if all that one file lists \
         are there.",
    ],
    fix: "Start the service stage from what dev starts from, and copy only the artefact out of the build. Clean up \
          after an installation in the same RUN, or keep its cache out of the layer with a cache mount.",
    yields_to: &[],
};

pub(super) const NON_ROOT: Contract = Contract {
    name: "service.non-root",
    promise: "The service runs as a uid other than 0, and no added setuid file lets it become root.",
    how: "Looks up the container's user in the image's own passwd, reads the uids of the running processes, and \
          compares the files that are setuid or setgid root, or have strong capabilities, with those of the base \
          image.",
    therefore: "No process of the running service was root's, and no added program makes anybody root.",
    assumes: &[
        "Holes in the kernel, in the engine or in programs of the base image are not looked for.",
        "After an update of the distribution's packages, its setuid programs count as the base's.",
    ],
    fix: "Give the service stage a `USER` with a uid above 0 (a number such as 10001 needs no account), and remove \
          `user: root` from compose.yaml.",
    yields_to: &[],
};

pub(super) const PORT: Contract = Contract {
    name: "service.port",
    promise: "The service answers on the port that PORT names, from outside the container, and on no other that nothing \
          declares.",
    how: "The variable is `port-env` of [service]; where the service is of a Dockerfile of your own and none is \
          declared, it is asked on the port that it has. Else starts the service twice, with two values of PORT, and \
          asks for the health path over HTTP from outside the container. It must answer on the port that PORT names, \
          and neither on the other one nor on the usual one. Reads the container's listening sockets: each that others \
          can reach is on that port, or on one that EXPOSE, `expose` or `ports` names.",
    therefore: "The service answered on each of two ports that PORT named, and the kernel lists no other open socket.",
    assumes: &["A socket that opens after the first answer is not seen."],
    fix: "Read PORT from the environment and listen on 0.0.0.0, not on 127.0.0.1 and not on a fixed port.",
    yields_to: &["service.read-only"],
};

pub(super) const SHUTDOWN: Contract = Contract {
    name: "service.shutdown",
    promise: "On its stop signal the service refuses new connections, finishes the requests in flight, and exits with 0 \
          within the grace period.",
    how: "Starts a slow request and, if several are answered side by side, a second one a moment later ([verify] slow; \
          without one, it sends the first halves of two requests, of one's head and of the other's body, and the \
          second halves after the signal) and an idle keep-alive connection, sends the stop signal, tries new \
          connections, reads each slow answer to its end, compares it with the answer that comes without a signal, and \
          waits for the exit code. The service must not wait for the idle connection.",
    therefore: "After the signal the open request was answered in full, as was a second one, new connections were not \
          served, and the container exited with 0 in time.",
    assumes: &[
        "Two slow requests, as long as [verify] slow takes, and one idle connection are tried. Longer answers, queues, \
         files and background work are not observed.",
        "Without a slow request, a server that answers before it has the body, and closes what is no whole request yet, shows \
         nothing: then the contract is inconclusive.",
    ],
    fix: "Start the service in exec form so that the signal reaches it. On SIGTERM, close the listener, finish the \
          open requests and exit with 0.",
    yields_to: &["service.port", "service.read-only"],
};

pub(super) const NO_DEPLOYMENT_ENV: Contract = Contract {
    name: "service.no-deployment-env",
    promise: "No deployment's value is in any layer, configuration, label, history or healthcheck of the service \
              image.",
    how: "Builds with a random word in place of every deployment value that the description declares (in build \
          arguments, in the environment of the build and in the files of its context), and searches every layer, the \
          configuration and the history for each, also as base64, as hex and inside gzip. Looks for the declared \
          values themselves in the configuration. What [roles.service] declares alike is the service's own.",
    therefore: "The build received made-up words instead of the deployments' values, and none of them is in a layer, in the \
          configuration or in the history.",
    assumes: &[
        "A value that a step encrypts or hashes is not recognised.",
        "A value that is an ordinary word or a short one is followed under the variable's own name and in labels only, because \
         files and other variables contain it by chance.",
    ],
    fix: "Give deployments' values to the installation stage only, or at run time. Remove the ARG, ENV, LABEL or file \
          that carries the value from the stages that service is made from.",
    yields_to: &["service.no-secret"],
};

pub(super) const NO_SECRET: Contract = Contract {
    name: "service.no-secret",
    promise: "No secret is in any layer, configuration, label, history or healthcheck of the service image, nor in a \
              file that a later layer deletes.",
    how: "Builds with a random word in place of every secret: those that the description and compose.yaml declare, \
          build arguments and build secrets, and files in which people keep secrets (secrets/, .env, private keys, \
          .netrc, .pypirc). Searches every layer, the configuration and the history for each, also as base64, as hex \
          and in files that are packed (gzip, zstd, tar, zip, jar), however deep. Looks in the configuration for \
          variables that are named like a secret and have a value, and in what the image adds to its base for secrets \
          that are written down: passwords in addresses, private keys (also as DER), passwords for `chpasswd`, tokens \
          known by how they begin, values of names that mean a secret in commands and configuration, and the files in \
          which package managers keep credentials. What packages bring is not looked at.",
    therefore: "The build received made-up words instead of the secrets, and none of them is in the image. Nothing that the \
          image adds looks like a secret.",
    assumes: &[
        "A secret that looks like an ordinary word, and has an ordinary name, is not recognised.",
        "Files of installed packages are not judged.",
        "A secret that the build encrypts, packs with xz or bzip2, or encodes otherwise than as base64 or hex, is not found.",
    ],
    fix: "Keep secrets out of the build context with .dockerignore. Give the build a secret that it needs by `RUN \
          --mount=type=secret`, which leaves nothing behind, and give the service its secrets as files at run time.",
    yields_to: &[],
};

pub(super) const READ_ONLY: Contract = Contract {
    name: "service.read-only",
    promise: "The service works with a read-only root, without capabilities and without new privileges, and writes \
              only to declared tmpfs and volumes.",
    how: "Starts the service as compose.yaml says, but always with a read-only root file system, no capability and no \
          new privileges, and once more without these restrictions. Asks both for the health path, the slow one and \
          the page of [verify.reload], compares the answers, and checks that the service stays up. Answers \
          count as different only if they differ three times in a row. A page that answers with an error both times, and \
          not when the service runs as root, is a failure, too.",
    therefore: "The service answered every declared path, and as without restrictions, although it could write only to \
          declared places and had no privileges.",
    assumes: &[
        "A path that [verify] does not declare may write elsewhere.",
        "An answer that differs from one request or container to the next is compared by its words: numbers in it may be wrong.",
    ],
    fix: "Let the service write to a folder that compose.yaml declares as `tmpfs` or as a volume. Start it as the user \
          that it runs as, so that it needs no capability.",
    yields_to: &["service.port"],
};

pub(super) const HEALTH: Contract = Contract {
    name: "service.health",
    promise: "The service's healthcheck turns healthy, and turns unhealthy when the service stops answering.",
    how: "Starts the service as compose.yaml says, with the healthcheck of the image or of compose.yaml, which wins, \
          run every second (its test, timeout and retries stay), and waits until it is healthy, which it must stay for \
          some seconds while the service answers. Then freezes the processes that hold the socket of the port (all, \
          where that cannot be seen); it must turn unhealthy within the time that its timeout and retries allow.",
    therefore: "The health check reported healthy while the service answered, and unhealthy after its processes were \
          stopped.",
    assumes: &[
        "A service that still answers, but wrongly, is not tried.",
        "Where the engine is on another machine, a healthcheck that asks another process of the container than the service is \
         not recognised: all are stopped.",
        "A probe that fails less often than once in four is not seen to fail.",
    ],
    fix: "Let the healthcheck ask the service itself, on the port that PORT names, with a program that the image has, \
          and exit with 1 if there is no good answer.",
    yields_to: &["service.port", "service.read-only"],
};

pub(super) const IMMUTABLE_CODE: Contract = Contract {
    name: "service.immutable-code",
    promise: "The service's user cannot write the code that it runs.",
    how: "Looks up the container's user and groups in the image's own files, and checks the owner and mode of every \
          code file that the image adds to its base image, of the program that it starts, of every folder above them, \
          of the links that lead to them, of the folders that PATH puts before that of the program, and of those in \
          which a runtime looks for code (PYTHONPATH and the like), or that an option names that loads code \
          (`--require`, `-javaagent`); where there is no such folder yet, of the one in which it could be made. Code \
          that comes from the builder's volume must be mounted read-only. Then it starts the service, and checks the \
          same of the programs and the working directories of the processes that serve, and of the code files that \
          their command lines name, as these processes have them mounted.",
    therefore: "The service's user can write no code file, and no folder, link or search path that leads to one; nor \
                does what serves come from somewhere else where it can.",
    assumes: &[
        "Access control lists are not read.",
        "Code in a data folder is found only if a variable such as PATH, or the command of a process that serves, \
         names that folder.",
        "What serves is looked at only where the engine is on this machine and numbers users as it does; elsewhere \
         only the image is.",
    ],
    fix: "Let root own the code: a COPY without `--chown`, and no `chmod` that gives write permission. Give the user a \
          folder of its own for data, beside the code.",
    yields_to: &["service.no-build-deps", "service.non-root"],
};
