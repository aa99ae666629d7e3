# ---- {{{ name }}}: {{{ step.comment.join("\n# ") }}}
FROM {{{ v.build_image }}} AS {{{ name }}}
RUN {{{ step|mounts_and_commands(v.no_packages()) }}}
