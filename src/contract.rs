//! The contracts as plain data: what each role promises, how that is checked, how to mend it.
//!
//! Names are public interface: `JUnit` cases, SARIF rules and `dockwright explain` use them.

/// One promise of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// `role.what`, as `dev.reload`.
    pub name: &'static str,
    /// The promise, in one sentence.
    pub promise: &'static str,
    /// How it is checked.
    pub how: &'static str,
    /// How to mend a failure.
    pub mend: &'static str,
}

impl Contract {
    /// The role that makes the promise; `scaffold` for all of them.
    #[must_use]
    pub fn role(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(role, _)| role)
    }
}

/// The one list, by role in the order of the Dockerfile.
pub const ALL: &[Contract] = &[
    Contract {
        name: "scaffold.builds",
        promise: "Every role's image builds from the declared context.",
        how: "Builds the stage of every role that is on, with the context, target and arguments that compose.yaml gives \
              for it, and names the instruction that fails, its exit code and the end of its log.",
        mend: "Look at the instruction that the failure names, and at the log below it. `docker compose build ROLE` \
               shows the same build.",
    },
    Contract {
        name: "dev.mount",
        promise: "The project's own source folder is bind-mounted, writable, at the working directory.",
        how: "Reads the dev service's volumes as Compose does, starts it on a copy of the project, and looks at the \
              mounts of the running container.",
        mend: "In compose.yaml, give dev the volume `.:/srv/app` (source folder, working directory), without `:ro`.",
    },
    Contract {
        name: "dev.no-source",
        promise: "The dev image holds no file of the project's source, so the mount is what runs.",
        how: "Compares every file of the image, by content, with every file of the project; empty files, dependency \
              manifests, licences and the entry scripts that the image itself starts are left aside.",
        mend: "Take the COPY or ADD of the source out of the dev stage and of the stages that it is made from; \
               copy only dependency manifests there.",
    },
    Contract {
        name: "dev.reload",
        promise: "An edit on the host is served without a rebuild or a restart of the container.",
        how: "Runs dev (and what it depends on) on a copy of the project and edits it as [verify.reload] says: written in \
              place, saved by rename, beside a new and a deleted file, and again after a syntax error. Each time it \
              waits for the new answer from the same container.",
        mend: "Start dev with the stack's reloader, on the mounted folder, as the container's own command.",
    },
    Contract {
        name: "dev.owner",
        promise: "What the container writes on the mount belongs to the host's user.",
        how: "Runs dev on a copy of the project that belongs to another uid than root's, and compares the uid and gid that \
              its processes run as with the owner of the copy; whatever they wrote there is looked at too.",
        mend: "Let the container take on the owner of the mounted folder, as docker/as-owner.sh does, or set `user:` in \
               compose.yaml to the host's uid and gid.",
    },
    Contract {
        name: "dev-tools.present",
        promise: "Every declared tool runs.",
        how: "Starts dev-tools as compose.yaml says and runs in it the command of every tool that \
              [roles.dev-tools.tools] declares; each must exit 0.",
        mend: "Install the tool in the dev-tools stage, or take it out of [roles.dev-tools.tools].",
    },
    Contract {
        name: "build.inject-equal",
        promise: "A build of the mounted source, injected into a fresh service container, gives the same service file \
                  system as the image build.",
        how: "Runs the build stage's commands in a builder container on a mounted copy of the source, streams their output \
              into a container of the service stage without its code, and compares path, type, mode, owner and content \
              of every file with the service image.",
        mend: "Make the build depend on nothing but the source: no file that only the build context has or lacks, no path, \
               date or host name in the output.",
    },
    Contract {
        name: "service.non-root",
        promise: "The service runs as a uid other than 0, and no added setuid file lets it back.",
        how: "Resolves the container's user through the image's own passwd, looks at the uid of the running processes, and \
              compares the setuid and setgid files with those of the base image.",
        mend: "Give the service stage a `USER` with a uid above 0 (a number, as 10001, needs no account), and leave no \
               `user: root` in compose.yaml.",
    },
    Contract {
        name: "service.port",
        promise: "The service answers on the port that PORT names, from outside the container, and on no other.",
        how: "Runs the service twice, with two values of PORT, and asks for the health path over HTTP on each from outside \
              the container; the other port must not answer.",
        mend: "Read PORT from the environment and listen on 0.0.0.0, not on 127.0.0.1 and not on a fixed port.",
    },
    Contract {
        name: "service.shutdown",
        promise: "On its stop signal the service refuses new connections, finishes the request in flight, and exits 0 \
                  inside the grace period.",
        how: "Starts a slow request ([verify] slow) and an idle keep-alive connection, sends the stop signal, tries new \
              connections, reads the slow answer to its end, and waits for the exit code.",
        mend: "Start the service in exec form so that the signal reaches it, handle SIGTERM by closing the listener and \
               draining, and exit 0.",
    },
    Contract {
        name: "service.no-deployment-env",
        promise: "No deployment's value is in any layer, configuration, label, history or healthcheck of the service image.",
        how: "Builds with a random word in place of every deployment value and secret that the description declares \
              (build arguments and the environment of the build included), and searches every layer, the configuration \
              and the history for each, also as base64, as hex and inside gzip.",
        mend: "Give deployment values to the installation stage only (or at run time); take the ARG, ENV, LABEL or file \
               that carries it out of the stages that service is made from.",
    },
    Contract {
        name: "test.extends-service",
        promise: "The test image is the service image and more: the service's layers first, and the same artefact.",
        how: "Compares the layers of the two images, and every file that the service took from the build, by content.",
        mend: "Start the test stage with `FROM service`, and do not build or copy the service's code again in it.",
    },
    Contract {
        name: "test.passes",
        promise: "The suite passes inside the test container.",
        how: "Runs the test container as compose.yaml says and waits for its exit code, which must be 0.",
        mend: "Read the end of the suite's output below; `docker compose run --rm --build test` shows the same run.",
    },
    Contract {
        name: "installation.extends-service",
        promise: "An installation is the verified service image and configuration only: no layer that changes a file.",
        how: "Compares the layers of every installation image with the service image's.",
        mend: "Keep the installation stage to `FROM service` and `ENV` lines.",
    },
    Contract {
        name: "installation.env-complete",
        promise: "An installation's environment is the deployment's declaration, whole and nothing else.",
        how: "Compares the environment of the installation image, and of its container as compose.yaml configures it, \
              with the service's plus [deployments.NAME], and starts it under a host environment full of other values.",
        mend: "Give the installation stage one ENV line per declared variable, and no `environment:` in compose.yaml that \
               takes values from the host.",
    },
];

/// The contract of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Contract> {
    ALL.iter().find(|contract| contract.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_entry_is_whole() {
        for (index, contract) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != contract.name), "{}", contract.name);
            for text in [contract.promise, contract.how, contract.mend] {
                assert!(text.ends_with('.') && !text.contains("  "), "{}: {text}", contract.name);
            }
        }
    }
}
