//! The promises of build.

use super::Contract;

pub(super) const EXTENDS_DEV: Contract = Contract {
    name: "build.extends-dev",
    promise: "The build has dev's production dependencies and is on dev's release, plus build dependencies.",
    how: "Compares the distribution and its version in the build image and in dev's, and looks in the build image for every file \
          that dev adds to its base image, by content; settings, caches, bytecode and files of the project are left aside. \
          Of a compiled stack, whose dependencies are compiled in, only the release counts.",
    mend: "Start the build from dev, or from the stage that dev starts from, and add build dependencies without changing what is \
           there; start a compiler's stage from an image of the release that dev runs on.",
};

pub(super) const FROM_SOURCE: Contract = Contract {
    name: "build.from-source",
    promise: "What the build makes comes from the sources: a poisoned build output on the host changes nothing.",
    how: "Puts broken and left-over files into the build context where builds on the host leave theirs (the ignore rules apply to \
          them as to any file), builds, and compares what service takes from the build with the usual.",
    mend: "Name the folders of outputs in .dockerignore, or let the build make them anew.",
};

pub(super) const LOCKED: Contract = Contract {
    name: "build.locked",
    promise: "A dependency that the lock file does not hold stops the build.",
    how: "Adds a small package to the dependency manifest, in the build context alone, and builds the build stage, which must fail \
          for that package or for the lock.",
    mend: "Install by the lock alone, with the option that refuses what it does not hold (`ci`, `--locked`, `--frozen-lockfile`, \
           `--require-hashes`), and check in the build \
           that the lock has all that the manifest declares.",
};

pub(super) const ENV_AGNOSTIC: Contract = Contract {
    name: "build.env-agnostic",
    promise: "The build makes the same under other deployments' values, in another time zone and locale, and on another host.",
    how: "Builds the build stage again from the source on, with other values of every variable that a deployment declares \
          (in the environment of its commands and as build arguments), of build arguments that the host decides, of TZ and \
          LC_ALL, and compares path, type, mode, owner and content of what service takes from it. Where a command asks for \
          the host's name, or the mounted builder makes something else, it builds once more under another host name.",
    mend: "Let the build read nothing of its environment into what it makes: set TZ or the locale in the Dockerfile where a \
           tool wants them, and read deployments' values when the service starts.",
};

pub(super) const REPRODUCIBLE: Contract = Contract {
    name: "build.reproducible",
    promise: "Two builds of the same source, apart in time, make the same: path, mode, owner and content of every file.",
    how: "Builds the build stage again, without the engine's cache from the source on (from its beginning where a command before \
          that takes the time or chance, or makes a part of what service takes), and compares path, type, mode, owner and content, \
          but not times, of what service takes from it.",
    mend: "Take dates, random numbers and build numbers out of what the build makes, and sort what is listed from a folder.",
};

pub(super) const INJECT_EQUAL: Contract = Contract {
    name: "build.inject-equal",
    promise: "A build of the mounted source, injected into a fresh service container, gives the same service file \
              system as the image build.",
    how: "Runs the build stage's commands in a builder container on a mounted copy of the source, streams their output \
          into a container of the service stage without its code, and compares path, type, mode, owner and content \
          of every file with the service image.",
    mend: "Make the build depend on nothing but the source: no file that only the build context has or lacks, no path, \
           date or host name in the output.",
};
