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

# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title=orders
# The code is not in the image: compose.yaml mounts the builder's output here.
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
