# orders: the service role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- runtime: what dev and service share, so that dev simulates production
FROM eclipse-temurin:25-jre AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV HOME=/tmp \
    PORT=8080
WORKDIR /srv/app
EXPOSE 8080

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

# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title=orders
COPY --from=build /out/lib/ lib/
COPY --from=build /out/orders.jar ./
# A number, so that it needs no account in the image and orchestrators can see that it is not root.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", "/srv/app/orders.jar", "com.example.orders.Healthcheck"]
CMD ["java", "-XX:MaxRAMPercentage=75", "-XX:+ExitOnOutOfMemoryError", "-jar", "/srv/app/orders.jar"]
