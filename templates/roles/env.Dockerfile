{%- if !env.is_empty() %}
ENV {{{ env|assignments }}}
{%- endif %}
