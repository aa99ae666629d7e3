# ---- runtime: what dev and service share, so that dev simulates production
FROM {{{ v.runtime_image }}} AS runtime
# Any uid may run it, most have no account in the image, and the root file system is read-only: /tmp is home.
{%- let env = v.runtime_env %}
{%- include "env.Dockerfile" %}
{%- let packages = v.service.packages %}
{%- include "packages.Dockerfile" %}
{%- let compilers = v.compilers %}
{%- for step in v.dependencies.production %}
{%- include "step.Dockerfile" %}
{%- endfor %}
WORKDIR /srv/app
EXPOSE {{{ v.port }}}
