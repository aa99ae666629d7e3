{%- if !scripts.is_empty() %}
COPY --chmod=0555{% for script in scripts %} docker/{{{ script }}}{% endfor %} /usr/local/bin/
{%- endif %}
