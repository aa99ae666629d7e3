# ---- {{{ name }}}: {{{ step.comment.join("\n# ") }}}
FROM {{{ v.runtime_image }}} AS {{{ name }}}
RUN {{{ step|mounts_and_commands(v.no_packages()) }}}
