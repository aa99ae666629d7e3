//! The promises of test.

use super::Contract;

pub(super) const EXTENDS_SERVICE: Contract = Contract {
    name: "test.extends-service",
    promise: "The test image is the service image and more: it has the service's layers first, and the same artefact.",
    how: "Compares the layers of the two images and, by content, every file that the service took from the build, and \
          the code of the dependencies that it has. Code of the service may be in the test image only once, and \
          compose.yaml may put nothing over it: the tests would run the other.",
    therefore: "The service's layers come first, its artefact and its dependencies are unchanged, and there is no second \
          copy of its code to run.",
    assumes: &["A second copy that was compiled or changed is not recognised."],
    fix: "Start the test stage with `FROM service`, and do not build or copy the service's code again in it.",
    yields_to: &[],
};

pub(super) const PASSES: Contract = Contract {
    name: "test.passes",
    promise: "The suite passes inside the test container.",
    how: "Runs the test container as compose.yaml says and waits for its exit code, which must be 0. A runner's summary \
          by which all tests were skipped is a failure.",
    therefore: "The container of the suite exited with 0, and did not skip all its tests.",
    assumes: &[
        "What the suite tests is not judged; test.exit-code tries whether it can fail.",
        "A runner that says nothing of skipped tests, as `go test` without -v does not, is believed.",
    ],
    fix: "Read the end of the suite's output below. `docker compose run --rm --build test` runs the same suite.",
    yields_to: &["service.read-only"],
};

pub(super) const EXIT_CODE: Contract = Contract {
    name: "test.exit-code",
    promise: "A failing test makes the test container exit with a code other than 0, and so do a suite without tests and \
          one that cannot be loaded.",
    how: "Adds a failing test to every file of the build context that contains tests. In a second context it removes \
          all tests; in a third, where no compiler sees to that, it makes the files fail as they are loaded. Builds \
          the test image of each and runs it as compose.yaml says.",
    therefore: "The suite failed when every file of tests had a failing test, and did not pass when no test was left or none \
          could be loaded.",
    assumes: &["Test files that do not match the stack's patterns are not changed."],
    fix: "Let the container exit with the runner's own code: no `|| true`, and no pipe behind it (or `set -o \
          pipefail`). Use a runner, or a line after it, that fails if no test ran.",
    yields_to: &["test.passes"],
};

pub(super) const ISOLATED_ENV: Contract = Contract {
    name: "test.isolated-env",
    promise: "The suite sees the test role's environment, and nothing of a deployment's or of the host's.",
    how: "Compares the environment of the test image, and of its container as compose.yaml configures it, with \
          [roles.test] and with every deployment's values; likewise that of the process that runs the suite, unless \
          the engine is on another machine. Reads compose.yaml again under a host environment full of other values. An \
          environment file that is outside of the project, ignored by git, or optional and missing, is the host's.",
    therefore: "The suite's own process had no variable of a deployment or of the host.",
    assumes: &[
        "Variables that the tests set or read by themselves are not seen.",
        "The process is seen only if the engine is on this machine. Otherwise the image and compose.yaml are all \
        the evidence.",
    ],
    fix: "Declare what the suite needs in [roles.test] `env` and set it in the test stage. Remove deployments' files \
          and `${VARIABLES}` of the host from the test service in compose.yaml.",
    yields_to: &[],
};
