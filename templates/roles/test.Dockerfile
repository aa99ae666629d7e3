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
COPY --from=build-tests /tests/ {{{ v.tests_at }}}
{%- endif %}
{%- if let Some(workdir) = v.test.workdir %}
# Beside the code, not in it: where the code is a mount, that would cover the tests.
WORKDIR {{{ workdir }}}
{%- endif %}
{%- for copy in v.test.copy %}
COPY {{{ copy }}}
{%- endfor %}
{%- if !v.test.copy.is_empty() %}
# Whatever the umask of the checkout: the tests run as another user.
RUN chmod -R go=u-w .
{%- if !v.facts.tests_compiled && !v.test.run.is_empty() %} \
 && {{{ v.test.run.join(" \\\n && ") }}}
{%- endif %}
{%- endif %}
{%- if v.test.copy.is_empty() && !v.facts.tests_compiled && !v.test.run.is_empty() %}
RUN {{{ v.test.run.join(" \\\n && ") }}}
{%- endif %}
{%- let env = v.test.env %}
{%- include "env.Dockerfile" %}
USER 10001:10001
HEALTHCHECK NONE
CMD {{{ v.test.command|exec_form }}}
