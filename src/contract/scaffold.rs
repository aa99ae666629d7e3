//! What concerns every role.

use super::Contract;

pub(super) const BUILDS: Contract = Contract {
    name: "scaffold.builds",
    promise: "Every role's image builds from the declared context.",
    how: "Builds the stage of every role that is on, with the context, target and arguments that compose.yaml gives \
          for it, and names the instruction that fails, its exit code and the end of its log.",
    mend: "Look at the instruction that the failure names, and at the log below it. `docker compose build ROLE` \
           shows the same build.",
};
