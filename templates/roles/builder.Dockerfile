{%- if v.compiled -%}
# ---- builder: the toolchain and the locked dependencies; the source is mounted, or copied in by build
FROM {{{ v.build_image }}} AS builder
{%- else -%}
# ---- builder: dev plus build dependencies; the source is mounted, or copied in by build
FROM dev AS builder
{%- endif %}
{%- let packages = v.build.packages %}
{%- include "packages.Dockerfile" %}
{%- let scripts = v.build.scripts %}
{%- include "scripts.Dockerfile" %}
{%- let env = v.build.env %}
{%- include "env.Dockerfile" %}
WORKDIR /srv/app
{%- for layer in v.manager.build %}
{%- include "layer.Dockerfile" %}
{%- endfor %}
# Whoever owns the mounted source can write the build's output.
RUN install --directory --mode=0777 /out
{%- if v.compiled %}
ENTRYPOINT ["as-owner.sh"]
{%- endif %}
CMD {{{ v.build.command|exec_form }}}
