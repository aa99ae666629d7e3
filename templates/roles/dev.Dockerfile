# ---- dev: {% if v.facts.dev_runs_artefact %}the production runtime; runs what the builder puts into /out and restarts on a new one{% else %}the production runtime on the mounted source, reloaded on change{% endif %}
FROM runtime AS dev
{%- let packages = v.dev.packages %}
{%- include "packages.Dockerfile" %}
# Starts as root only to take on the owner of the mounted source.
{%- let scripts = v.dev.scripts %}
{%- include "scripts.Dockerfile" %}
{%- let env = v.dev.env %}
{%- include "env.Dockerfile" %}
{%- if let Some(member) = v.member %}
WORKDIR {{{ member }}}
{%- endif %}
ENTRYPOINT ["as-owner.sh"]
CMD {{{ v.dev.command|exec_form }}}
