# orders: the dev role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- runtime: what dev and service share, so that dev simulates production
FROM eclipse-temurin:25-jre AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV HOME=/tmp \
    PORT=8080
WORKDIR /srv/app
EXPOSE 8080

# ---- dev: the production runtime; runs what the builder puts into /out and restarts on a new one
FROM runtime AS dev
# Starts as root only to take on the owner of the mounted source.
COPY --chmod=0555 docker/as-owner.sh docker/run-on-change.sh /usr/local/bin/
ENTRYPOINT ["as-owner.sh"]
CMD ["run-on-change.sh", "/out/orders.jar", "--", "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", "/out/orders.jar"]
