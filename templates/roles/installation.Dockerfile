# ---- {{{ d.stage }}}: service and the environment of the deployment "{{{ d.name }}}"
FROM service AS {{{ d.stage }}}
{%- let env = d.env %}
{%- include "env.Dockerfile" %}
{%- if d.port != v.port %}
EXPOSE {{{ d.port }}}
{%- endif %}
{%- if !d.secrets.is_empty() %}
# Secrets are files that the deployment mounts; the image only says where.
# hadolint ignore=DL3064
{%- let env = d.secret_env %}
{%- include "env.Dockerfile" %}
{%- endif %}
