# orders: the test role and the stages that it is made from, made by dockwright from dockwright.toml.

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

# ---- test: service, the test dependencies and the environment for testing
FROM service AS test
USER 0
# Test dependencies, beside the production ones.
RUN --mount=type=cache,target=/tmp/.npm \
    npm ci --prefix /srv --include=dev --ignore-scripts --no-audit --no-fund
# Beside the code, not in it: where the code is a mount, that would cover the tests.
WORKDIR /srv/test
COPY package.json ./
COPY test/ test/
# Whatever the umask of the checkout: the tests run as another user.
RUN chmod -R go=u-w . \
 && ln -s /srv/app/dist dist
ENV NODE_ENV=test \
    APP_ENV=test
USER 10001:10001
HEALTHCHECK NONE
CMD ["node", "test/run.ts"]
