//! The promises of dev-tools.

use super::Contract;

pub(super) const PRESENT: Contract = Contract {
    name: "dev-tools.present",
    promise: "Every declared tool runs.",
    how: "Starts dev-tools as compose.yaml says and runs in it the command that [roles.dev-tools.tools] declares for \
          each tool. Each must exit with 0.",
    fix: "Install the tool in the dev-tools stage, or remove it from [roles.dev-tools.tools].",
    yields_to: &[],
};

pub(super) const OPTIONAL: Contract = Contract {
    name: "dev-tools.optional",
    promise: "dev starts without dev-tools, which has a profile of its own and publishes no port.",
    how: "Reads compose.yaml: what dev depends on, directly or not, and the profiles and ports of dev-tools.",
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
    fix: "Give dev-tools the volume that dev has, and the same entrypoint or user.",
    yields_to: &["dev.mount", "dev.owner", "dev.reload", "dev-tools.present"],
};
