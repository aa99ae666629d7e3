# ---- runtime: what dev and service share, so that dev simulates production
FROM {{{ v.runtime_image }}} AS runtime
{%- let env = v.runtime_env %}
{%- include "env.Dockerfile" %}
{%- let packages = v.service.packages %}
{%- include "packages.Dockerfile" %}
{%- for layer in v.manager.production %}
{%- include "layer.Dockerfile" %}
{%- endfor %}
WORKDIR /srv/app
EXPOSE {{{ v.port }}}
