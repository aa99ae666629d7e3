{%- for line in layer.comment %}
# {{{ line }}}
{%- endfor %}
{%- if let Some(workdir) = layer.workdir %}
WORKDIR {{{ workdir }}}
{%- endif %}
{%- if !layer.copy.is_empty() %}
COPY {{{ layer.copy.join(" ") }}} ./
{%- endif %}
{%- if !layer.run.is_empty() %}
RUN {{{ layer|mounts_and_commands }}}
{%- endif %}
