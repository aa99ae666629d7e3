# orders: the build role and the stages that it is made from, made by dockwright from dockwright.toml.

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
