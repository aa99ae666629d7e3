# django-postgres: one stage per container role, made by dockwright from dockwright.toml. Edit it as you like:
# `dockwright verify` shows whether every role still keeps its promises.

# ---- runtime: what dev and service share, so that dev simulates production
FROM python:3.13-slim-trixie AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONPATH=/srv/app \
    HOME=/tmp \
    PORT=8000
# Debian's stable release fixes the versions.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update \
 && apt-get install --yes --no-install-recommends libpq5
# Production dependencies; off the mount, so that the source may cover /srv/app.
RUN --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    --mount=type=cache,target=/tmp/.cache/pip \
    python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --requirement /tmp/requirements.txt
WORKDIR /srv/app
EXPOSE 8000

# ---- dev: the production runtime on the mounted source, reloaded on change
FROM runtime AS dev
# Starts as root only to take on the owner of the mounted source.
COPY --chmod=0555 docker/dockwright/as-owner.sh docker/dockwright/run-on-change.sh /usr/local/bin/
ENTRYPOINT ["as-owner.sh"]
CMD ["run-on-change.sh", "/srv/app", "--", "gunicorn", "--worker-tmp-dir", "/dev/shm", "--graceful-timeout", "9", "--threads", "4", "guestbook.wsgi"]

# ---- dev-tools: for those who develop inside a container; the same source, mounted as in dev
FROM dev AS dev-tools
# Editors log in as this user and give it the uid of whoever runs them.
RUN useradd --non-unique --uid 1000 --create-home --shell /bin/bash dev
# Debian's stable release fixes the versions.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update \
 && apt-get install --yes --no-install-recommends git
RUN pip install --no-cache-dir ruff==0.15.7
CMD ["sleep", "infinity"]

# ---- builder: dev plus build dependencies; the source is mounted, or copied in by build
FROM dev AS builder
COPY --chmod=0555 docker/dockwright/copy-source.sh /usr/local/bin/
WORKDIR /srv/app
# Whoever owns the mounted source can write the build's output.
RUN install --directory --mode=0777 /out
CMD ["sh", "-c", "find /out -mindepth 1 -delete && copy-source.sh /out ./.github tests test tests.py 'test_*.py' '*_test.py' conftest.py node_modules __pycache__ .venv venv"]

# ---- build: makes the artefact in /out from a copy of the source; knows no deployment
FROM builder AS build
COPY . .
RUN find /out -mindepth 1 -delete \
 && copy-source.sh /out ./.github tests test tests.py 'test_*.py' '*_test.py' conftest.py node_modules __pycache__ .venv venv

# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title=django-postgres
COPY --chmod=0555 docker/dockwright/answers.sh /usr/local/bin/
COPY --from=build /out/ ./
# A number, so that it needs no account in the image and orchestrators can see that it is not root.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["answers.sh", "PORT", "/health/"]
CMD ["gunicorn", "--worker-tmp-dir", "/dev/shm", "--graceful-timeout", "9", "--threads", "4", "guestbook.wsgi"]

# ---- build-tests: compiles the suite, so that test needs no compiler
FROM build AS build-tests
RUN cp -R . /tests \
 && (cd /out && find . ! -type d -print0) | (cd /tests && xargs -0 rm -f) \
 && find /tests ! -type l -exec chmod a+rX,go-w {} +

# ---- test: service, the test dependencies and the environment for testing
FROM service AS test
USER 0
COPY --from=build-tests /tests/ /srv/app/
# Beside the code, not in it: where the code is a mount, that would cover the tests.
WORKDIR /srv/app
ENV PYTHONPATH=/srv/app \
    COVERAGE_FILE=/tmp/.coverage \
    POSTGRES_DB=app \
    POSTGRES_HOST=test-postgres \
    POSTGRES_USER=app
USER 10001:10001
HEALTHCHECK NONE
CMD ["bash", "-o", "pipefail", "-c", "python manage.py test 2>&1 | tee /tmp/tests.log && ! grep -q '^Ran 0 tests' /tmp/tests.log"]

# ---- installation: service and the environment of the deployment "production"
FROM service AS installation
ENV POSTGRES_DB=app \
    POSTGRES_HOST=postgres \
    POSTGRES_USER=app
