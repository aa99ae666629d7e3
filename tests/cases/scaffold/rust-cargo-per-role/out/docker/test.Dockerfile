# orders: the test role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- runtime: what dev and service share, so that dev simulates production
FROM debian:trixie-slim AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV HOME=/tmp \
    PORT=8080
WORKDIR /srv/app
EXPOSE 8080

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

# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title=orders
COPY --from=build /out/ ./
# A number, so that it needs no account in the image and orchestrators can see that it is not root.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/srv/app/orders", "healthcheck"]
CMD ["/srv/app/orders"]

# ---- build-tests: compiles the suite, so that test needs no compiler
FROM build AS build-tests
RUN umask 0 \
 && cargo test --release --locked --offline --tests --config 'target."cfg(all())".runner=["install","-D","-t","/tests"]'

# ---- test: service, the test dependencies and the environment for testing
FROM service AS test
USER 0
COPY --chmod=0555 docker/run-tests.sh /usr/local/bin/
COPY --from=build-tests /tests/ /tests/
ENV SERVICE_BIN=/srv/app/orders \
    APP_ENV=test
USER 10001:10001
HEALTHCHECK NONE
CMD ["run-tests.sh", "/tests"]
