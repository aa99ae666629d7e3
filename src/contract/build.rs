//! The promises of build.

use super::Contract;

pub(super) const EXTENDS_DEV: Contract = Contract {
    name: "build.extends-dev",
    promise: "build has dev's production dependencies and dev's release of the distribution, plus build dependencies.",
    how: "Compares the distribution and its version in the build image with dev's, and looks in the build image for \
          every file that dev adds to its base image, by content. Settings, caches, bytecode and files of the project \
          do not count. In a compiled stack, whose dependencies are compiled in, only the release counts.",
    therefore: "Every file that dev adds to its base image is in the build image with the same content, and both images \
          name the same release.",
    assumes: &[
        "In a compiled stack only the releases are compared.",
        "Bytecode differs from build to build, and is not compared.",
    ],
    fix: "Start the build stage from dev, or from the stage that dev starts from, and add build dependencies without \
          changing what is there. Start a compiler's stage from an image of the release that dev runs on.",
    yields_to: &[],
};

pub(super) const FROM_SOURCE: Contract = Contract {
    name: "build.from-source",
    promise: "What the build makes comes from the source: an old build output on the host changes nothing.",
    how: "Adds broken outputs to the build context where builds on the host leave theirs: in the stack's folders of \
          outputs, beside the sources, and where this build itself generates files (the ignore rules apply to them as to \
          any file). Builds, and compares what service takes from the build with the usual result.",
    therefore: "The build received broken outputs, and then its own earlier ones, and made the same files. So it used \
          none of them.",
    assumes: &[
        "Outputs of tools that the stack does not name are not tried, unless this build leaves them among the \
        sources.",
        "A valid output of other sources is not tried.",
    ],
    fix: "Name the output folders in .dockerignore, or let the build create their contents afresh.",
    yields_to: &["build.reproducible", "build.env-agnostic"],
};

pub(super) const LOCKED: Contract = Contract {
    name: "build.locked",
    promise: "A dependency that the lock file does not contain stops the build.",
    how: "Adds a small package to the dependency manifest, in the build context only, and builds the build stage. That \
          must fail, and the log must name the package or the lock.",
    therefore: "The build stopped at a dependency that is not in the lock file, and its log says so.",
    assumes: &[
        "Only one manifest is tried. A project in several parts may have more.",
        "Whether the lock file itself is trustworthy is not checked.",
    ],
    fix: "Install from the lock file alone, with the option that refuses what it does not hold (`ci`, `--locked`, \
          `--frozen-lockfile`, `--require-hashes`), and check in the build that the lock file covers everything that the \
          manifest declares.",
    yields_to: &[],
};

pub(super) const ENV_AGNOSTIC: Contract = Contract {
    name: "build.env-agnostic",
    promise: "The build makes the same files under other deployments' values, in another time zone and locale, and on \
              another host.",
    how: "Builds the build stage again from the source on, with other values for every variable that a deployment \
          declares (in the environment of its commands and as build arguments), for build arguments that the host \
          decides, for TZ and for LC_ALL. Compares path, type, mode, owner and content of what service takes from it. \
          Where a command asks for the host's name, or the mounted builder makes other files, it builds once more \
          under another host name.",
    therefore: "Two builds made the same bytes, although everything was different that can differ between hosts and \
          deployments.",
    assumes: &[
        "The processor, the kernel and the engine were the same.",
        "Steps before the source are repeated only if they ask for the time, for chance or for the host.",
    ],
    fix: "Keep everything of the build's environment out of what it makes. Set TZ or the locale in the Dockerfile if a \
          tool needs them, and read deployments' values when the service starts.",
    yields_to: &["build.reproducible", "service.no-deployment-env"],
};

pub(super) const REPRODUCIBLE: Contract = Contract {
    name: "build.reproducible",
    promise: "Two builds of the same source, at different times, make the same files: path, mode, owner and content.",
    how: "Builds the build stage again, later and without the engine's cache from the source on; from its beginning if \
          a command before that uses the time or chance, or makes a part of what service takes. Compares path, type, \
          mode, owner and content, but not times, of what service takes from it. If the build of build.env-agnostic \
          has made the same files, no other is needed. Then looks in these files for the day of the build, as people and \
          programs write it, unless a source contains it.",
    therefore: "Two builds at different times made the same bytes, and no file contains the day or the month.",
    assumes: &[
        "Both builds run on one day: a week, a year or a day in a compressed archive is not found.",
        "Steps before the source are repeated only if they ask for the time or for chance.",
    ],
    fix: "Remove dates, random numbers and build numbers from what the build makes, and sort what it lists from a \
          folder.",
    yields_to: &[],
};

pub(super) const INJECT_EQUAL: Contract = Contract {
    name: "build.inject-equal",
    promise: "A build of the mounted source, injected into a fresh service container, gives the same service image as \
              the build that copies the source.",
    how: "Runs the build stage's commands in a builder container on a mounted copy of the source, streams their output \
          into a container of the service stage without its code, and compares path, type, mode, owner and content of \
          every file, and the configuration, with the service image.",
    therefore: "Both images have the same files and the same configuration.",
    assumes: &["Times of files are not compared."],
    fix: "Let the build depend on the source alone: on no file that only the build context has or lacks, and on no \
          path, date or host name.",
    yields_to: &["build.reproducible", "build.env-agnostic", "service.no-build-deps"],
};
