# orders: the test role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- runtime: what dev and service share, so that dev simulates production
FROM debian:trixie-slim AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV HOME=/tmp \
    PORT=8080
WORKDIR /srv/app
EXPOSE 8080

# ---- builder: the toolchain and the locked dependencies; the source is mounted, or copied in by build
FROM golang:1.26-trixie AS builder
COPY --chmod=0555 docker/as-owner.sh docker/run-on-change.sh docker/inject.sh /usr/local/bin/
ENV CGO_ENABLED=0 \
    GOCACHE=/target/go-build \
    GOFLAGS="-mod=readonly -trimpath -buildvcs=false -ldflags=-s" \
    HOME=/tmp
WORKDIR /srv/app
# The standard library, which comes as source: compiled once, for this image and these flags. umask 0: any uid may build
# on what is in the cache.
RUN umask 0 \
 && go build std
# Only the dependencies: downloaded again only when the manifests change. They are in the layer, so that later steps need
# no network.
COPY go.mod go.sum ./
RUN umask 0 \
 && go mod download
# Whoever owns the mounted source can write the build's output.
RUN install --directory --mode=0777 /out
ENTRYPOINT ["as-owner.sh"]

# ---- build: makes the artefact in /out from a copy of the source; knows no deployment
FROM builder AS build
COPY . .
RUN umask 0 \
 && GOPROXY=off go build -o /target/bin/ ./cmd/orders \
 && install -D /target/bin/orders /out/orders

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
RUN export GOPROXY=off \
 && packages=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./...) \
 && mkdir /tests \
 && for package in $packages; do go test -c -o "/tests${package#"$PWD"}/" "$package" || exit 1; done \
 && find . -name testdata -type d -prune -exec cp -r --parents -t /tests {} + \
 && chmod -R a+rX /tests

# ---- test: service, the test dependencies and the environment for testing
FROM service AS test
USER 0
COPY --chmod=0555 docker/run-tests.sh /usr/local/bin/
COPY --from=build-tests /tests/ /tests/
ENV SERVICE_BIN=/srv/app/orders \
    APP_ENV=test
USER 10001:10001
HEALTHCHECK NONE
CMD ["run-tests.sh", "/tests", "-test.timeout=2m"]
