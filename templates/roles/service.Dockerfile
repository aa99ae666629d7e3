# ---- service: what ships, less the deployment's environment
FROM runtime AS service
LABEL org.opencontainers.image.title={{{ v.name|dockerfile_value }}}
{%- let env = v.service.env %}
{%- include "env.Dockerfile" %}
{%- let scripts = v.service.scripts %}
{%- include "scripts.Dockerfile" %}
{%- if v.facts.code_mounted %}
# The code is not in the image: compose.yaml mounts the builder's output here.
{%- else if v.service.layers.is_empty() %}
COPY --from=build /out/ ./
{%- else %}
{%- for layer in v.service.layers %}
COPY --from=build /out/{{{ layer }}} {% if layer.ends_with("/") %}{{{ layer }}}{% else %}./{% endif %}
{%- endfor %}
{%- endif %}
{%- if let Some(member) = v.member %}
WORKDIR {{{ member }}}
{%- endif %}
# A number, so that it needs no account in the image and orchestrators can see that it is not root.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD {{{ v.health|exec_form }}}
CMD {{{ v.service.command|exec_form }}}
