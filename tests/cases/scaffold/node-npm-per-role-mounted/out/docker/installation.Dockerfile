# orders: the installation role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- runtime: what dev and service share, so that dev simulates production
FROM node:24-trixie-slim AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV NODE_ENV=production \
    HOME=/tmp \
    PORT=3000
# Production dependencies, locked; in the parent of /srv/app, where Node finds them and no mount covers them.
COPY package.json package-lock.json /srv/
RUN --mount=type=cache,target=/tmp/.npm \
    npm ci --prefix /srv --omit=dev --ignore-scripts --no-audit --no-fund
WORKDIR /srv/app
EXPOSE 3000

# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title=orders
# The code is not in the image: compose.yaml mounts the builder's output here.
# A number, so that it needs no account in the image and orchestrators can see that it is not root.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`, {signal: AbortSignal.timeout(2000)}).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]

# ---- installation: service and the environment of the deployment "production"
FROM service AS installation
ENV APP_ENV=production
