# orders: the build role and the stages that it is made from, made by dockwright from dockwright.toml.

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

# ---- build: makes the artefact in /out from a copy of the source; knows no deployment
FROM builder AS build
COPY . .
RUN umask 0 \
 && cargo build --release --locked --offline \
 && install -D /target/release/orders /out/orders
