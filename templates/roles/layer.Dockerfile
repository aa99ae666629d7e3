{%- for line in layer.comment %}
# {{{ line }}}
{%- endfor %}
{%- if !layer.copy.is_empty() %}
COPY {{{ layer.copy.join(" ") }}} {{{ layer.to }}}
{%- endif %}
{%- if !layer.run.is_empty() %}
RUN {{{ layer|mounts_and_commands }}}
{%- endif %}
