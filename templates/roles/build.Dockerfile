# ---- build: makes the artefact in /out from a copy of the source; knows no deployment
FROM builder AS build
{%- for layer in v.manager.prebuild %}
{%- include "layer.Dockerfile" %}
{%- endfor %}
COPY . .
RUN {{{ v.build.run.join(" \\\n && ") }}}
