//! The promises of test.

use super::Contract;

pub(super) const EXTENDS_SERVICE: Contract = Contract {
    name: "test.extends-service",
    promise: "The test image is the service image and more: the service's layers first, and the same artefact.",
    how: "Compares the layers of the two images, and every file that the service took from the build, by content.",
    mend: "Start the test stage with `FROM service`, and do not build or copy the service's code again in it.",
};

pub(super) const PASSES: Contract = Contract {
    name: "test.passes",
    promise: "The suite passes inside the test container.",
    how: "Runs the test container as compose.yaml says and waits for its exit code, which must be 0.",
    mend: "Read the end of the suite's output below; `docker compose run --rm --build test` shows the same run.",
};

pub(super) const EXIT_CODE: Contract = Contract {
    name: "test.exit-code",
    promise: "A failing test makes the test container exit with another code than 0, and so does a suite without tests.",
    how: "Appends a failing test to every file of the build context that holds tests, and in a second context takes all \
          tests out; builds the test image of each and runs it as compose.yaml says.",
    mend: "Let the runner's own exit code be the container's: no `|| true`, no pipe behind it (or `set -o pipefail`), and a \
           runner, or a line after it, that fails where no test was run.",
};

pub(super) const ISOLATED_ENV: Contract = Contract {
    name: "test.isolated-env",
    promise: "The suite sees the test role's environment, and nothing of a deployment's or of the host's.",
    how: "Compares the environment of the test image, and of its container as compose.yaml configures it, with [roles.test] and \
          with every deployment's values, and reads compose.yaml again under a host environment full of other values.",
    mend: "Declare what the suite needs in [roles.test] `env`, set it in the test stage, and take deployments' files and \
           `${VARIABLES}` of the host out of the test service in compose.yaml.",
};
