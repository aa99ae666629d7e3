# orders: the dev-tools role and the stages that it is made from, made by dockwright from dockwright.toml.

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

# ---- dev-tools: for those who develop inside a container; the same source, mounted as in dev
FROM dev AS dev-tools
# Editors log in as this user and give it the uid of whoever runs them.
RUN useradd --non-unique --uid 1000 --create-home --shell /bin/bash dev
# Debian's stable release fixes the versions.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update \
 && apt-get install --yes --no-install-recommends git
# Test dependencies, beside the production ones.
RUN --mount=type=cache,target=/tmp/.npm \
    npm ci --prefix /srv --include=dev --ignore-scripts --no-audit --no-fund
RUN npm install --global --no-audit --no-fund @biomejs/biome@2.3.8
CMD ["sleep", "infinity"]
