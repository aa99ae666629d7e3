# orders: the build role and the stages that it is made from, made by dockwright from dockwright.toml.

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

# ---- build: makes the artefact in /out from a copy of the source; knows no deployment
FROM builder AS build
COPY . .
RUN mvn --offline --quiet package -Dmaven.test.skip=true \
 && find /out -mindepth 1 -delete \
 && java -Duser.timezone=UTC -Djarmode=tools -jar /target/orders.jar extract --destination /out
