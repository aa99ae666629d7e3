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

pub(super) const NO_SECRET: Contract = Contract {
    name: "installation.no-secret",
    promise: "In an installation a secret is a reference (`NAME_FILE`, a mounted file), never a value.",
    how: "Looks for the declared secrets among the variables of every installation image and of its container as \
          compose.yaml configures it, and builds it with a random word in place of every secret, as service.no-secret \
          does, to search what it adds to the service image.",
    mend: "Declare the secret in [deployments.NAME] secrets, let compose.yaml mount it as a file, and give the installation \
           `NAME_FILE` with the file's path.",
};

pub(super) const IMMUTABLE: Contract = Contract {
    name: "installation.immutable",
    promise: "An installation has no source mount, and building it again for the same release gives the same image \
              configuration.",
    how: "Reads the installation's volumes as Compose does: none may bring the project's files, or lie over the code. Builds \
          its stage a second time without the cache, on the service image, and once more with other values of whatever \
          the host decides (a revision, a version or a tag aside), and compares the configurations.",
    mend: "Take the mount out of compose.yaml. Keep dates, host names and build numbers out of labels: what names the release \
           (a revision, a version) is enough.",
};
