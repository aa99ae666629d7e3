# make demo         scaffolds and verifies a service of each stack, on a fresh machine too
# make test         everything that CI checks; ends in the test runner's summary
# make bench        measures dockwright beside its peers, writes docs/BENCHMARKS.md
# make fuzz         changes seeds for each reader, FUZZ_RUNS times each (a million)
# make engine-down  stops the container engines that the above started
#
# Each makes ready what it needs: packages (apt-get, as root), an engine (tests/engine), linters.

.PHONY: help demo test bench fuzz setup engine-down advisories

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^$$/q'

demo: setup
	@tests/demo

test: setup
	@tests/all

bench: setup
	cargo build --release --locked
	eval "$$(tests/engine/up)" && eval "$$(tests/engine/tools)" && benches/run

fuzz:
	FUZZ_RUNS=$${FUZZ_RUNS:-1000000} cargo test --release --locked --test fuzz -- --nocapture

setup:
	@tests/setup

engine-down:
	tests/engine/down all

# Needs the RustSec database, and so GitHub.
advisories:
	cargo deny check advisories
