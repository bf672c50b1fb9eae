// The peer Hive Gateway with production settings, one process, and a resolver that merges by hand.
import { defineConfig } from "@graphql-hive/gateway";
import { merged } from "./merge.mjs";

export const gatewayConfig = defineConfig({
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  supergraph: process.env.SUPERGRAPH,
  landingPage: false,
  graphiql: false,
  logging: "error",
  fork: 1,
  additionalResolvers: {
    Query: {
      observations: (root, args, context, info) =>
        merged((city, own) => context[city].Query[`${city}_observations`]({ root, args: own, context, info }), args),
    },
  },
});
