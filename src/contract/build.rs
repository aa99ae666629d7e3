//! The promises of build.

use super::Contract;

pub(super) const INJECT_EQUAL: Contract = Contract {
    name: "build.inject-equal",
    promise: "A build of the mounted source, injected into a fresh service container, gives the same service file \
              system as the image build.",
    how: "Runs the build stage's commands in a builder container on a mounted copy of the source, streams their output \
          into a container of the service stage without its code, and compares path, type, mode, owner and content \
          of every file with the service image.",
    mend: "Make the build depend on nothing but the source: no file that only the build context has or lacks, no path, \
           date or host name in the output.",
};
