# orders: the dev-tools role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- builder: the toolchain and the locked dependencies; the source is mounted, or copied in by build
FROM maven:3.9-eclipse-temurin-25 AS builder
COPY --chmod=0555 docker/as-owner.sh docker/run-on-change.sh docker/inject.sh /usr/local/bin/
ENV HOME=/tmp \
    MAVEN_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" \
    MAVEN_ARGS="--batch-mode --no-transfer-progress -Dmaven.repo.local=/var/maven/.m2/repository -Dtarget.directory=/target -Daether.artifactResolver.postProcessor.trustedChecksums.failIfMissing=true"
WORKDIR /srv/app
# Every plugin and dependency, checked by its hash: what .mvn/checksums does not hold stops the build. With a stub in
# place of the source, so that they are fetched again only when the manifests change. They are in the layer, so that
# later steps and the mounted builder need no network. umask 0: any uid may build on it.
COPY .mvn/ .mvn/
COPY pom.xml ./
RUN umask 0 \
 && mkdir -p src/main/java \
 && echo 'class Main { public static void main(String[] args) {} }' > src/main/java/Main.java \
 && mvn package dependency:copy-dependencies -DskipTests -DoutputDirectory=/target/lib \
 && rm -r src /target/*
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
 && apt-get install --yes --no-install-recommends git
ENV MAVEN_ARGS="-Dmaven.repo.local=/var/maven/.m2/repository -Dtarget.directory=/target"
CMD ["sleep", "infinity"]
