# orders: the test role and the stages that it is made from, made by dockwright from dockwright.toml.

# ---- uv: what reads uv.lock; other stages mount it, so that it stays in none
FROM python:3.13-slim-trixie AS uv
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --quiet --target /uv uv==0.13.9

# ---- runtime: what dev and service share, so that dev simulates production
FROM python:3.13-slim-trixie AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    PORT=8000
# Production dependencies from uv.lock; off the mount, so that the source may cover /srv/app. The base image has no
# bytecode of the standard library, and no container can write it: without it every start compiles it again.
RUN --mount=type=bind,from=uv,source=/uv,target=/tmp/uv \
    --mount=type=bind,source=pyproject.toml,target=/tmp/pyproject.toml \
    --mount=type=bind,source=uv.lock,target=/tmp/uv.lock \
    --mount=type=cache,target=/tmp/.cache/uv \
    UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never /tmp/uv/bin/uv sync --project /tmp --locked --no-dev --no-install-project \
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
RUN --mount=type=bind,from=uv,source=/uv,target=/tmp/uv \
    --mount=type=bind,source=pyproject.toml,target=/tmp/pyproject.toml \
    --mount=type=bind,source=uv.lock,target=/tmp/uv.lock \
    --mount=type=cache,target=/tmp/.cache/uv \
    UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never /tmp/uv/bin/uv sync --project /tmp --locked --no-dev --group test --inexact --no-install-project
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
