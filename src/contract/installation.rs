//! The promises of installation.

use super::Contract;

pub(super) const EXTENDS_SERVICE: Contract = Contract {
    name: "installation.extends-service",
    promise: "An installation is the verified service image plus configuration: none of its layers changes a file.",
    how: "Compares the layers of every installation image with the service image's, and the files where it has more \
          layers.",
    fix: "Keep the installation stage to `FROM service` and `ENV` lines.",
    yields_to: &[],
};

pub(super) const ENV_COMPLETE: Contract = Contract {
    name: "installation.env-complete",
    promise: "An installation's environment is the deployment's declaration: all of it, and nothing else.",
    how: "Compares the environment of the installation image, and of its container as compose.yaml configures it, with \
          the service's plus [deployments.NAME]. Then reads compose.yaml again under a host environment full of other \
          values.",
    fix: "Set every declared variable with ENV in the installation stage, and remove every `environment:` that takes \
          values from the host from compose.yaml.",
    yields_to: &["installation.extends-service"],
};

pub(super) const PORT: Contract = Contract {
    name: "installation.port",
    promise: "An installation answers on every port that compose.yaml publishes for it.",
    how: "Starts every installation as compose.yaml says, but on free ports of the host, and asks the health path on its \
          published ports and on the one that PORT names in it. Any HTTP answer counts, because the deployment's own \
          services are not here. If it publishes several ports, something must listen on each of them. An installation \
          that ends, or listens on no port at all, is inconclusive.",
    fix: "In compose.yaml, publish the port that PORT names in the deployment: `127.0.0.1:8080:9000` for PORT=9000.",
    yields_to: &["service.port", "service.read-only", "installation.env-complete"],
};

pub(super) const NO_SECRET: Contract = Contract {
    name: "installation.no-secret",
    promise: "In an installation a secret is a reference (`NAME_FILE`, a mounted file), never a value.",
    how: "Looks for the declared secrets among the variables of every installation image and of its container as \
          compose.yaml configures it, and for a password in an address, a private key or a token within any value. \
          Then builds the image with a random word in place of every secret, as \
          service.no-secret does, and searches what it adds to the service image.",
    fix: "Declare the secret in [deployments.NAME] `secrets`, let compose.yaml mount it as a file, and set `NAME_FILE` \
          in the installation to the file's path.",
    yields_to: &["installation.extends-service", "service.no-secret"],
};

pub(super) const IMMUTABLE: Contract = Contract {
    name: "installation.immutable",
    promise: "An installation mounts no source, and building it again for the same release gives the same image \
              configuration.",
    how: "Reads the installation's volumes as Compose does: none may bring the project's files or cover the code. \
          Builds its stage a second time without the cache, on the service image, and once more with other values for \
          whatever the host decides (except a revision, a version or a tag), and compares the configurations.",
    fix: "Remove the mount from compose.yaml. Keep dates, host names and build numbers out of labels: a revision or a \
          version is enough to name the release.",
    yields_to: &["installation.extends-service"],
};
