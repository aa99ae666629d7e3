# orders: the test role and the stages that it is made from, made by dockwright from dockwright.toml.

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

# ---- builder: dev plus build dependencies; the source is mounted, or copied in by build
FROM dev AS builder
WORKDIR /srv/app
# Build dependencies, beside the production ones that dev brings.
RUN --mount=type=bind,source=requirements-build.lock,target=/tmp/requirements-build.lock \
    --mount=type=cache,target=/tmp/.cache/pip \
    pip --python /opt/venv/bin/python install --require-hashes --requirement /tmp/requirements-build.lock
# Whoever owns the mounted source can write the build's output.
RUN install --directory --mode=0777 /out
CMD ["sh", "-c", "pip --python /opt/venv/bin/python install --quiet --no-cache-dir --dry-run --no-index --no-build-isolation . && pip --python /opt/venv/bin/python wheel --quiet --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp/dist . && find /out -mindepth 1 -delete && pip --python /opt/venv/bin/python install --quiet --no-cache-dir --no-deps --no-compile --no-index --target /out /tmp/dist/*.whl && rm -r /tmp/dist"]

# ---- build: makes the artefact in /out from a copy of the source; knows no deployment
FROM builder AS build
COPY . .
RUN pip --python /opt/venv/bin/python install --quiet --no-cache-dir --dry-run --no-index --no-build-isolation . \
 && pip --python /opt/venv/bin/python wheel --quiet --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp/dist . \
 && find /out -mindepth 1 -delete \
 && pip --python /opt/venv/bin/python install --quiet --no-cache-dir --no-deps --no-compile --no-index --target /out /tmp/dist/*.whl \
 && rm -r /tmp/dist

# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title=orders
COPY --from=build /out/ ./
# A number, so that it needs no account in the image and orchestrators can see that it is not root.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["python", "-m", "orders"]

# ---- test: service, the test dependencies and the environment for testing
FROM service AS test
USER 0
# Test dependencies, beside the production ones.
RUN --mount=type=bind,source=requirements-test.lock,target=/tmp/requirements-test.lock \
    --mount=type=cache,target=/tmp/.cache/pip \
    pip --python /opt/venv/bin/python install --require-hashes --requirement /tmp/requirements-test.lock
# Beside the code, not in it: where the code is a mount, that would cover the tests.
WORKDIR /srv/test
COPY pyproject.toml ./
COPY tests/ tests/
# Whatever the umask of the checkout: the tests run as another user.
RUN chmod -R go=u-w .
ENV PYTHONPATH=/srv/app \
    APP_ENV=test
USER 10001:10001
HEALTHCHECK NONE
CMD ["python", "-m", "pytest", "-p", "no:cacheprovider"]
