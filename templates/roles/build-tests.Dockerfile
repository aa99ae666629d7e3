# ---- build-tests: compiles the suite, so that test needs no compiler
FROM build AS build-tests
RUN {{{ v.test.run.join(" \\\n && ") }}}
