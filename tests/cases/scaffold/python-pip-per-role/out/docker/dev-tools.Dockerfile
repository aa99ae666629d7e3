# orders: the dev-tools role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- runtime: what dev and service share, so that dev simulates production
FROM python:3.13-slim-trixie AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    PORT=8000
# Production dependencies, checked by hash; off the mount, so that the source may cover /srv/app. The base image has no
# bytecode of the standard library, and no container can write it: without it every start compiles it again.
RUN --mount=type=bind,source=requirements.lock,target=/tmp/requirements.lock \
    --mount=type=cache,target=/tmp/.cache/pip \
    python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --require-hashes --requirement /tmp/requirements.lock \
 && python -m compileall -q -x site-packages "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
WORKDIR /srv/app
EXPOSE 8000

# ---- dev: the production runtime on the mounted source, reloaded on change
FROM runtime AS dev
# Starts as root only to take on the owner of the mounted source.
COPY --chmod=0555 docker/as-owner.sh docker/run-on-change.sh /usr/local/bin/
ENTRYPOINT ["as-owner.sh"]
CMD ["run-on-change.sh", "orders", "--", "python", "-m", "orders"]

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
RUN --mount=type=bind,source=requirements-test.lock,target=/tmp/requirements-test.lock \
    --mount=type=cache,target=/tmp/.cache/pip \
    pip --python /opt/venv/bin/python install --require-hashes --requirement /tmp/requirements-test.lock
RUN pip install --no-cache-dir ruff==0.15.7 mypy==1.19.1
CMD ["sleep", "infinity"]
