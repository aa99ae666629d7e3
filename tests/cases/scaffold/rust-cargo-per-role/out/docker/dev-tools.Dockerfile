# orders: the dev-tools role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- builder: the toolchain and the locked dependencies; the source is mounted, or copied in by build
FROM rust:1.95-slim-trixie AS builder
COPY --chmod=0555 docker/as-owner.sh docker/run-on-change.sh docker/inject.sh /usr/local/bin/
ENV CARGO_TARGET_DIR=/target \
    HOME=/tmp
WORKDIR /srv/app
# Only the dependencies, with a stub in place of the source: made again only when the manifests change. The registry is
# in the layer, so that later steps and the mounted builder need no network. umask 0: any uid may build on it.
COPY Cargo.toml Cargo.lock ./
RUN umask 0 \
 && mkdir -p src \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs \
 && cargo fetch --locked \
 && cargo build --release --locked --offline \
 && cargo clean --release --package orders \
 && rm -r src
# Whoever owns the mounted source can write the build's output.
RUN install --directory --mode=0777 /out
ENTRYPOINT ["as-owner.sh"]

# ---- dev-tools: for those who develop inside a container; the same source, mounted as in dev
FROM builder AS dev-tools
# Editors log in as this user and give it the uid of whoever runs them.
RUN useradd --non-unique --uid 1000 --create-home --shell /bin/bash dev
# Debian's stable release fixes the versions.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update \
 && apt-get install --yes --no-install-recommends gdb git
CMD ["sleep", "infinity"]
