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
