# ---- dev-tools: for those who develop inside a container; the same source, mounted as in dev
FROM {% if v.compiled %}builder{% else %}dev{% endif %} AS dev-tools
{%- let packages = v.dev_tools.packages %}
{%- include "packages.Dockerfile" %}
# Editors log in as the user dev, and give it the uid of whoever runs them.
RUN{% for line in v.dev_tools.install %} {{{ line }}} \
 &&{% endfor %} useradd --non-unique --uid 1000 --create-home --shell /bin/bash dev
{%- let env = v.dev_tools.env %}
{%- include "env.Dockerfile" %}
CMD {{{ v.dev_tools.command|exec_form }}}
