# orders: the dev-tools role and the stages that it is made from, made by dockwright from dockwright.toml.

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

# ---- dev-tools: for those who develop inside a container; the same source, mounted as in dev
FROM builder AS dev-tools
# Editors log in as this user and give it the uid of whoever runs them.
RUN useradd --non-unique --uid 1000 --create-home --shell /bin/bash dev
RUN --mount=type=cache,target=/root/.cache \
    export GOBIN=/usr/local/bin GOCACHE=/root/.cache/go-build GOMODCACHE=/root/.cache/go-mod \
 && go install golang.org/x/tools/gopls@v0.23.0 \
 && go install github.com/go-delve/delve/cmd/dlv@v1.27.2 \
 && go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
ENV GOFLAGS=-buildvcs=false
CMD ["sleep", "infinity"]
