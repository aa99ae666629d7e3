# ---- dev-tools: for those who develop inside a container; the same source, mounted as in dev
FROM {% if v.facts.own_toolchain %}builder{% else %}dev{% endif %} AS dev-tools
# Editors log in as this user and give it the uid of whoever runs them.
RUN useradd --non-unique --uid 1000 --create-home --shell /bin/bash dev
{%- let packages = v.dev_tools.packages %}
{%- include "packages.Dockerfile" %}
{%- if !v.facts.own_toolchain %}
{%- let compilers = v.no_packages() %}
{%- for step in v.dependencies.test %}
{%- include "step.Dockerfile" %}
{%- endfor %}
{%- endif %}
{%- for line in v.dev_tools.install %}
{%- if !loop.first %}
# hadolint ignore=DL3059
{%- endif %}
RUN {{{ line }}}
{%- endfor %}
{%- let env = v.dev_tools.env %}
{%- include "env.Dockerfile" %}
CMD {{{ v.dev_tools.command|exec_form }}}
