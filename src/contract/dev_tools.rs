//! The promises of dev-tools.

use super::Contract;

pub(super) const PRESENT: Contract = Contract {
    name: "dev-tools.present",
    promise: "Every declared tool runs.",
    how: "Starts dev-tools as compose.yaml says and runs in it the command of every tool that \
          [roles.dev-tools.tools] declares; each must exit 0.",
    mend: "Install the tool in the dev-tools stage, or take it out of [roles.dev-tools.tools].",
};
