# ---- test: service, the test dependencies and the environment for testing
FROM service AS test
USER 0
{%- let packages = v.test.packages %}
{%- include "packages.Dockerfile" %}
{%- let compilers = v.no_packages() %}
{%- for step in v.dependencies.test %}
{%- include "step.Dockerfile" %}
{%- endfor %}
{%- let scripts = v.test.scripts %}
{%- include "scripts.Dockerfile" %}
{%- if v.facts.tests_compiled %}
COPY --from=build-tests /tests/ /tests/
{%- endif %}
{%- if let Some(workdir) = v.test.workdir %}
# Beside the code, not in it: where the code is a mount, that would cover the tests.
WORKDIR {{{ workdir }}}
{%- endif %}
{%- for copy in v.test.copy %}
COPY {{{ copy }}}
{%- endfor %}
{%- if !v.facts.tests_compiled && !v.test.run.is_empty() %}
RUN {{{ v.test.run.join(" \\\n && ") }}}
{%- endif %}
{%- let env = v.test.env %}
{%- include "env.Dockerfile" %}
USER 10001:10001
HEALTHCHECK NONE
CMD {{{ v.test.command|exec_form }}}
