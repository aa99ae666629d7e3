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

# ---- dev: the production runtime on the mounted source, reloaded on change
FROM runtime AS dev
# Starts as root only to take on the owner of the mounted source.
COPY --chmod=0555 docker/as-owner.sh docker/run-on-change.sh /usr/local/bin/
ENTRYPOINT ["as-owner.sh"]
CMD ["run-on-change.sh", "src", "--", "node", "src/main.ts"]

# ---- builder: dev plus build dependencies; the source is mounted, or copied in by build
FROM dev AS builder
WORKDIR /srv/app
# All dependencies, those of the build included.
RUN --mount=type=cache,target=/tmp/.npm \
    npm ci --prefix /srv --include=dev --ignore-scripts --no-audit --no-fund
# Whoever owns the mounted source can write the build's output.
RUN install --directory --mode=0777 /out
CMD ["sh", "-c", "find /out -mindepth 1 -delete && /srv/node_modules/.bin/tsc --project tsconfig.build.json --outDir /out/dist && install --mode=0644 package.json /out/"]

# ---- build: makes the artefact in /out from a copy of the source; knows no deployment
FROM builder AS build
COPY . .
RUN find /out -mindepth 1 -delete \
 && /srv/node_modules/.bin/tsc --project tsconfig.build.json --outDir /out/dist \
 && install --mode=0644 package.json /out/

# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title=orders
COPY --from=build /out/ ./
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
