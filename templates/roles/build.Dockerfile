# ---- build: makes the artefact in /out from a copy of the source; knows no deployment
FROM builder AS build
COPY . .
RUN {{{ v.build.run.join(" \\\n && ") }}}
