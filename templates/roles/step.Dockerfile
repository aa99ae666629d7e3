{%- for line in step.comment %}
# {{{ line }}}
{%- endfor %}
{%- if !step.copy.is_empty() %}
COPY {{{ step.copy.join(" ") }}} {{{ step.to }}}
{%- endif %}
{%- if !step.run.is_empty() %}
{%- if !compilers.is_empty() %}
# hadolint ignore=DL3008
{%- endif %}
RUN {{{ step|mounts_and_commands(compilers) }}}
{%- endif %}
