# sheaf's own processes: worker, starter and the other commands, as in `docker run sheaf worker`.

# Node as package.json pins it for npm scripts.
FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app

FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.mjs

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional

FROM base
ENV NODE_ENV=production
COPY package.json ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
# The flag is that of src/worker/node-flags.ts. Without a shell between, node gets the signals.
ENTRYPOINT ["node", "--max-semi-space-size=1", "--heap-growing-percent=100", "dist/cli/main.js"]
CMD ["--help"]
