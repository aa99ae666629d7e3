//! The promises of installation.

use super::Contract;

pub(super) const EXTENDS_SERVICE: Contract = Contract {
    name: "installation.extends-service",
    promise: "An installation is the verified service image and configuration only: no layer that changes a file.",
    how: "Compares the layers of every installation image with the service image's.",
    mend: "Keep the installation stage to `FROM service` and `ENV` lines.",
};

pub(super) const ENV_COMPLETE: Contract = Contract {
    name: "installation.env-complete",
    promise: "An installation's environment is the deployment's declaration, whole and nothing else.",
    how: "Compares the environment of the installation image, and of its container as compose.yaml configures it, \
          with the service's plus [deployments.NAME], and starts it under a host environment full of other values.",
    mend: "Give the installation stage one ENV line per declared variable, and no `environment:` in compose.yaml that \
           takes values from the host.",
};
