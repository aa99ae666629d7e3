{%- if !scripts.is_empty() %}
COPY --chmod=0555{% for script in scripts %} {{{ v.scripts_folder }}}{{{ script }}}{% endfor %} /usr/local/bin/
{%- endif %}
