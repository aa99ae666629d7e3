{%- if v.facts.own_toolchain -%}
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
{%- let compilers = v.no_packages() %}
{%- for step in v.dependencies.build %}
{%- include "step.Dockerfile" %}
{%- endfor %}
# Whoever owns the mounted source can write the build's output.
RUN install --directory --mode=0777 /out
{%- if v.facts.own_toolchain %}
ENTRYPOINT ["as-owner.sh"]
{%- endif %}
{%- if !v.build.command.is_empty() %}
CMD {{{ v.build.command|exec_form }}}
{%- endif %}
