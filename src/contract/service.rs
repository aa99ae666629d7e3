//! The promises of service.

use super::Contract;

pub(super) const NO_BUILD_DEPS: Contract = Contract {
    name: "service.no-build-deps",
    promise: "Nothing that only the build brings is in the service image: no toolchain, headers, package caches, build \
              dependencies, tests, or sources that are not the artefact itself.",
    how: "Reads every file that the image adds to its outside base image, and looks for compilers and what they leave, \
          headers, caches of package managers, the project's tests and the sources that something else was made of, and \
          for packages that the builder has and dev, with its production dependencies, has not.",
    mend: "Start the service stage from what dev starts from, and copy only the artefact out of the build. What is installed \
           in it is cleaned up in the same RUN, or kept out of the layer by a cache mount.",
};

pub(super) const NON_ROOT: Contract = Contract {
    name: "service.non-root",
    promise: "The service runs as a uid other than 0, and no added setuid file lets it back.",
    how: "Resolves the container's user through the image's own passwd, looks at the uid of the running processes, and \
          compares the setuid and setgid files with those of the base image.",
    mend: "Give the service stage a `USER` with a uid above 0 (a number, as 10001, needs no account), and leave no \
           `user: root` in compose.yaml.",
};

pub(super) const PORT: Contract = Contract {
    name: "service.port",
    promise: "The service answers on the port that PORT names, from outside the container, and on no other.",
    how: "Runs the service twice, with two values of PORT, and asks for the health path over HTTP on each from outside \
          the container; the other port must not answer.",
    mend: "Read PORT from the environment and listen on 0.0.0.0, not on 127.0.0.1 and not on a fixed port.",
};

pub(super) const SHUTDOWN: Contract = Contract {
    name: "service.shutdown",
    promise: "On its stop signal the service refuses new connections, finishes the request in flight, and exits 0 \
              inside the grace period.",
    how: "Starts a slow request ([verify] slow) and an idle keep-alive connection, sends the stop signal, tries new \
          connections, reads the slow answer to its end, and waits for the exit code.",
    mend: "Start the service in exec form so that the signal reaches it, handle SIGTERM by closing the listener and \
           draining, and exit 0.",
};

pub(super) const NO_DEPLOYMENT_ENV: Contract = Contract {
    name: "service.no-deployment-env",
    promise: "No deployment's value is in any layer, configuration, label, history or healthcheck of the service image.",
    how: "Builds with a random word in place of every deployment value that the description declares (in build arguments, \
          in the environment of the build and in the files of its context), and searches every layer, the configuration \
          and the history for each, also as base64, as hex and inside gzip.",
    mend: "Give deployment values to the installation stage only (or at run time); take the ARG, ENV, LABEL or file \
           that carries it out of the stages that service is made from.",
};

pub(super) const NO_SECRET: Contract = Contract {
    name: "service.no-secret",
    promise: "No secret is in any layer, configuration, label, history or healthcheck of the service image, in files \
              that a later layer deletes neither.",
    how: "Builds with a random word in place of every secret: those that the description and compose.yaml declare, build \
          arguments and build secrets, and files as users have them (secrets/, .env, private keys, .netrc, .pypirc). \
          Searches every layer, the configuration and the history for each, also as base64, as hex and inside gzip.",
    mend: "Keep secrets out of the build context by .dockerignore. What a build itself needs, it gets by \
           `RUN --mount=type=secret`, which leaves nothing behind; what the service needs is a file at run time.",
};

pub(super) const READ_ONLY: Contract = Contract {
    name: "service.read-only",
    promise: "The service works with a read-only root, all capabilities dropped and no new privileges, writing only to \
              declared tmpfs and volumes.",
    how: "Starts the service as compose.yaml says, with a read-only root file system, no capability and no new \
          privileges whatever the file says of them, asks for the health path and the slow one, and sees that it stays \
          up. If it does not work, it is started without what was taken away, to see that this is why.",
    mend: "Let the service write to a folder that compose.yaml declares as `tmpfs` or as a volume, and start as the user \
           that it runs as, so that it needs no capability.",
};

pub(super) const HEALTH: Contract = Contract {
    name: "service.health",
    promise: "The service's healthcheck turns healthy, and turns unhealthy when the service stops answering.",
    how: "Starts the service as compose.yaml says, with the healthcheck of the image or of compose.yaml, which wins, every \
          second (its test, timeout and retries are kept), and waits for healthy. Then all processes of the service are \
          stopped where they are, and it must turn unhealthy within its timeout times its retries.",
    mend: "Let the healthcheck ask the service itself, on the port that PORT names, with a program that the image has, \
           and exit with 1 when there is no good answer.",
};

pub(super) const IMMUTABLE_CODE: Contract = Contract {
    name: "service.immutable-code",
    promise: "The service's user cannot write the code that it runs.",
    how: "Resolves the container's user and groups through the image's own files, and looks at owner and mode of every code \
          file that the image adds to its base image, of the program it starts, and of each folder above them.",
    mend: "Let the code belong to root: a COPY without `--chown`, no `chmod` that gives write permission. Give the user a \
           folder of its own for data, beside the code.",
};
