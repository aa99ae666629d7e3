FROM golang:1.26 AS compiler
WORKDIR /go/src/pinger
COPY go.mod ./
COPY cmd/ cmd/
COPY internal/ internal/
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags=-buildid= -o /built/pinger ./cmd/pinger

FROM compiler AS check
CMD ["go", "test", "-count=1", "./..."]

FROM scratch AS ship
COPY --from=compiler /built/pinger /pinger
ENV PING_PORT=8080
EXPOSE 8080
USER 65532:65532
HEALTHCHECK --interval=5s --timeout=3s CMD ["/pinger", "-probe"]
ENTRYPOINT ["/pinger"]

FROM ship AS prod
