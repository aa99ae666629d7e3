{%- if !packages.is_empty() %}
# Debian's stable release fixes the versions.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update \
 && apt-get install --yes --no-install-recommends {{{ packages.join(" ") }}}
{%- endif %}
