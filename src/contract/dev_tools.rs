//! The promises of dev-tools.

use super::Contract;

pub(super) const PRESENT: Contract = Contract {
    name: "dev-tools.present",
    promise: "Every declared tool runs.",
    how: "Starts dev-tools as compose.yaml says and runs in it the command of every tool that \
          [roles.dev-tools.tools] declares; each must exit 0.",
    mend: "Install the tool in the dev-tools stage, or take it out of [roles.dev-tools.tools].",
};

pub(super) const OPTIONAL: Contract = Contract {
    name: "dev-tools.optional",
    promise: "dev starts without dev-tools, which is in no default profile and publishes no port.",
    how: "Reads compose.yaml: what dev depends on, directly or not, and the profiles and ports of dev-tools.",
    mend: "Give dev-tools a profile of its own (`profiles: [dev-tools]`), no `ports`, and name it in no `depends_on` of dev.",
};

pub(super) const SHARED_SOURCE: Contract = Contract {
    name: "dev-tools.shared-source",
    promise: "dev-tools has the same source at the same place and with the same uid as dev; an edit made in it reloads dev.",
    how: "Compares the two mounts in compose.yaml, starts both on one copy of the project, compares the uid of the \
          processes, and writes the edit of [verify.reload] inside dev-tools; dev must serve it. Without [verify.reload] \
          a new process must serve in dev.",
    mend: "Give dev-tools the volume that dev has, and the same entrypoint or user.",
};
