# orders: the installation role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- runtime: what dev and service share, so that dev simulates production
FROM eclipse-temurin:25-jre AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV HOME=/tmp \
    PORT=8080
WORKDIR /srv/app
EXPOSE 8080

# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title=orders
# The code is not in the image: compose.yaml mounts the builder's output here.
# A number, so that it needs no account in the image and orchestrators can see that it is not root.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", "/srv/app/orders.jar", "com.example.orders.Healthcheck"]
CMD ["java", "-XX:MaxRAMPercentage=75", "-XX:+ExitOnOutOfMemoryError", "-jar", "/srv/app/orders.jar"]

# ---- installation: service and the environment of the deployment "production"
FROM service AS installation
ENV APP_ENV=production
