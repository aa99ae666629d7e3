# orders: the build role and the stages that it is made from, made by dockwright from dockwright.toml.

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
