# ---- build-watch: the builder that runs beside dev, its dependencies compiled for quick rebuilds
FROM builder AS build-watch
{%- for layer in v.manager.prewatch %}
{%- include "layer.Dockerfile" %}
{%- endfor %}
