//! The promises of dev-tools.

use super::Contract;

pub(super) const PRESENT: Contract = Contract {
    name: "dev-tools.present",
    promise: "Every declared tool runs.",
    how: "Starts dev-tools as compose.yaml says and runs in it the command that [roles.dev-tools.tools] declares for \
          each tool. Each must exit with 0.",
    therefore: "Each tool ran in the container and exited with 0.",
    assumes: &["Whether a tool does its work on the project is dev-tools.works's to tell."],
    fix: "Install the tool in the dev-tools stage, or remove it from [roles.dev-tools.tools].",
    yields_to: &[],
};

pub(super) const WORKS: Contract = Contract {
    name: "dev-tools.works",
    promise: "Each declared tool does its work on the project as it stands: it finds the dependencies and the project's \
              own settings.",
    how: "Starts dev-tools on a copy of the project and runs in it, with the uid of the source's owner, the command that \
          [roles.dev-tools.work] declares for each tool. Each must exit with 0.",
    therefore: "A tool that does not find a dependency, or is of a version that the project is not written for, reports \
                what is not wrong, and exits with another code.",
    assumes: &[
        "A tool for which no work is declared is not tried.",
        "A tool that reports a fault and still exits with 0 \
               is not noticed.",
    ],
    fix: "Install in the dev-tools stage what the tool has to find (the test dependencies, too), in the version that the \
          project has; or fix what the tool reports.",
    yields_to: &["dev-tools.present"],
};

pub(super) const OPTIONAL: Contract = Contract {
    name: "dev-tools.optional",
    promise: "dev starts without dev-tools, which has a profile of its own and publishes no port.",
    how: "Reads compose.yaml: what dev depends on, directly or not, and the profiles and ports of dev-tools.",
    therefore: "Compose starts a service that has no profile or that another one waits for. Neither is true of \
          dev-tools.",
    assumes: &["A profile that somebody turns on in the shell is not a fault."],
    fix: "Give dev-tools a profile of its own (`profiles: [dev-tools]`) and no `ports`, and let no `depends_on` lead \
          from dev to it.",
    yields_to: &[],
};

pub(super) const SHARED_SOURCE: Contract = Contract {
    name: "dev-tools.shared-source",
    promise: "dev-tools has the same source as dev, at the same place and with the same uid; an edit made in dev-tools \
              reloads dev.",
    how: "Compares the two mounts in compose.yaml, starts both containers on one copy of the project and compares the \
          uids of their processes. Then makes the edit of [verify.reload] inside dev-tools; dev must serve it. Without \
          [verify.reload], a new process in dev must answer.",
    therefore: "dev serves an edit that was made in dev-tools, so both work on the same files, with the same uid.",
    assumes: &["An editor that logs in as another user than the container's is not tried."],
    fix: "Give dev-tools the volume that dev has, and the same entrypoint or user.",
    yields_to: &["dev.mount", "dev.owner", "dev.reload", "dev-tools.present"],
};
