//! The promises of test.

use super::Contract;

pub(super) const EXTENDS_SERVICE: Contract = Contract {
    name: "test.extends-service",
    promise: "The test image is the service image and more: it has the service's layers first, and the same artefact.",
    how: "Compares the layers of the two images and, by content, every file that the service took from the build.",
    fix: "Start the test stage with `FROM service`, and do not build or copy the service's code again in it.",
    yields_to: &[],
};

pub(super) const PASSES: Contract = Contract {
    name: "test.passes",
    promise: "The suite passes inside the test container.",
    how: "Runs the test container as compose.yaml says and waits for its exit code, which must be 0.",
    fix: "Read the end of the suite's output below. `docker compose run --rm --build test` runs the same suite.",
    yields_to: &["service.read-only"],
};

pub(super) const EXIT_CODE: Contract = Contract {
    name: "test.exit-code",
    promise: "A failing test makes the test container exit with a code other than 0, and so does a suite without \
              tests.",
    how: "Adds a failing test to every file of the build context that contains tests and, in a second context, removes \
          all tests. Builds the test image of each and runs it as compose.yaml says.",
    fix: "Let the container exit with the runner's own code: no `|| true`, and no pipe behind it (or `set -o \
          pipefail`). Use a runner, or a line after it, that fails if no test ran.",
    yields_to: &["test.passes"],
};

pub(super) const ISOLATED_ENV: Contract = Contract {
    name: "test.isolated-env",
    promise: "The suite sees the test role's environment, and nothing of a deployment's or of the host's.",
    how: "Compares the environment of the test image, and of its container as compose.yaml configures it, with \
          [roles.test] and with every deployment's values. Then reads compose.yaml again under a host environment full \
          of other values.",
    fix: "Declare what the suite needs in [roles.test] `env` and set it in the test stage. Remove deployments' files \
          and `${VARIABLES}` of the host from the test service in compose.yaml.",
    yields_to: &[],
};
