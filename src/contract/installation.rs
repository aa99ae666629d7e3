//! The promises of installation.

use super::Contract;

pub(super) const EXTENDS_SERVICE: Contract = Contract {
    name: "installation.extends-service",
    promise: "An installation is the verified service image plus configuration: none of its layers changes a file.",
    how: "Compares the layers of every installation image with the service image's, and the files where it has more \
          layers.",
    therefore: "The image has the service's layers, and no other layer changes a file.",
    assumes: &["Times of files are not compared."],
    fix: "Keep the installation stage to `FROM service` and `ENV` lines.",
    yields_to: &[],
};

pub(super) const ENV_COMPLETE: Contract = Contract {
    name: "installation.env-complete",
    promise: "An installation's environment is the deployment's declaration: all of it, and nothing else.",
    how: "Compares the environment of the installation image, and of its container as compose.yaml configures it, with \
          the service's plus [deployments.NAME]. Reads compose.yaml again under a host environment full of other \
          values. Then starts it, and compares the environment of its process, unless the engine is on another \
          machine: the command may set variables, too.",
    therefore: "The image, compose.yaml and the running process have the declared variables with the declared values, \
          and no others.",
    assumes: &[
        "Variables that the process changes by itself are not seen.",
        "The process is seen only if the engine is on this machine.",
    ],
    fix: "Set every declared variable with ENV in the installation stage, and remove every `environment:` that takes \
          values from the host from compose.yaml.",
    yields_to: &["installation.extends-service", "installation.no-secret"],
};

pub(super) const PORT: Contract = Contract {
    name: "installation.port",
    promise: "An installation answers on every port that compose.yaml publishes for it, and its healthcheck finds it.",
    how: "Starts every installation as compose.yaml says, but on free ports of the host, and asks the health path on \
          its published ports and on the one that PORT names in it. Any HTTP answer counts, because the deployment's \
          own services are not here. If it publishes several ports, something must listen on each of them. Where the \
          health path answers well, the healthcheck of the installation must turn healthy. An installation that ends, \
          or listens on no port at all, is inconclusive.",
    therefore: "A request from outside the container was answered on a published port, something listens on each of \
          the others, and the healthcheck found what answered.",
    assumes: &[
        "The deployment's own services are missing here, so an error is an answer, too; what the healthcheck says of \
         one is not judged.",
    ],
    fix: "In compose.yaml, publish the port that PORT names in the deployment: `127.0.0.1:8080:9000` for PORT=9000.",
    yields_to: &["service.port", "service.read-only", "service.health", "installation.env-complete"],
};

pub(super) const NO_SECRET: Contract = Contract {
    name: "installation.no-secret",
    promise: "In an installation a secret is a reference (`NAME_FILE`, a mounted file), never a value.",
    how: "Looks for the declared secrets among the variables of every installation image and of its container as \
          compose.yaml configures it, for variables that are named like a secret and have a value, and for a password \
          in an address, a private key or a token within any value, label or command, and any other field of \
          compose.yaml. Searches them for what the secrets' own files contain, too. \
          Then builds the image with a random word in place of every secret, as \
          service.no-secret does, and searches what it adds to the service image.",
    therefore: "No declared secret's value is in the image or in compose.yaml, and nothing there looks like a secret.",
    assumes: &["A secret that looks like an ordinary word, and has an ordinary name, is not recognised."],
    fix: "Declare the secret in [deployments.NAME] `secrets`, let compose.yaml mount it as a file, and set `NAME_FILE` \
          in the installation to the file's path.",
    yields_to: &["installation.extends-service", "service.no-secret"],
};

pub(super) const IMMUTABLE: Contract = Contract {
    name: "installation.immutable",
    promise: "An installation mounts no source, and building it again for the same release gives the same image \
              configuration.",
    how: "Reads the installation's volumes, configs, secrets and file systems in memory as Compose does: none may \
          bring the project's programs or cover the code or what it runs on. Builds its stage a second time without \
          the cache, on the service image, and once more with other values for whatever the host decides (except a \
          revision, a version or a tag), and compares the configurations.",
    therefore: "A second build, and one with another host's values, had the same configuration, and nothing is mounted \
          over the code.",
    assumes: &["A registry can move the service's tag. Only a digest excludes that."],
    fix: "Remove the mount from compose.yaml. Keep dates, host names and build numbers out of labels: a revision or a \
          version is enough to name the release.",
    yields_to: &["installation.extends-service"],
};
