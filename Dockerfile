# sheaf's own processes: worker, starter and the other commands, as in `docker run sheaf worker`.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" -t sheaf .
#
# Wants BuildKit, Docker's builder since version 23, for its cache of npm packages.

# Node as package.json pins it for npm scripts, on a Debian: Temporal's core needs glibc. The digest
# is that of the index for all platforms; a new one goes with a new version in both places.
FROM node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6 AS base
WORKDIR /app

FROM base AS build
# Node brings its certificate authorities along, Temporal's core asks the system for them, and this
# Debian has none: without them no worker reaches a Temporal behind TLS.
RUN node -p 'tls.rootCertificates.join("\n")' > ca-certificates.crt
COPY package.json package-lock.json .npmrc ./
# What is installed is what the lockfile's hashes say, and runs no script of its own.
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.mjs

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
# Of Temporal's core, the binary of this platform alone, and not its sources: 120 MB less. The last
# line fails the build where that was the wrong one.
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --omit=dev --omit=optional \
    && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
      ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} + \
    && rm -r node_modules/@temporalio/core-bridge/sdk-core \
    && node -e 'require("@temporalio/worker")'

FROM base
COPY --from=build /app/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=dependencies /app/node_modules node_modules
COPY --chmod=644 package.json ./
COPY --from=build /app/dist dist
ENV NODE_ENV=production \
    HEALTH_ADDRESS=0.0.0.0:8081 \
    METRICS_ADDRESS=0.0.0.0:9464
EXPOSE 8081 9464
# The user `node` by its number, by which Kubernetes sees that it is not root.
USER 1000:1000
# Ready only while the worker runs or the starter polls; the other commands end before it is asked.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["node", "dist/cli/main.js", "health"]
# The flags are those of src/worker/node-flags.ts. Without a shell between, node is process 1, and
# gets the signals: it needs no init.
ENTRYPOINT ["node", "--max-semi-space-size=1", "--heap-growing-percent=100", "dist/cli/main.js"]
CMD ["--help"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sheaf" \
      org.opencontainers.image.description="Durable archive batching for S3, on Temporal" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="MIT"
