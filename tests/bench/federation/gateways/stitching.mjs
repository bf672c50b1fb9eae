// The peer graphql-tools stitching behind GraphQL Yoga, as its handbook has it, with a resolver that merges by hand.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { delegateToSchema } from "@graphql-tools/delegate";
import { buildHTTPExecutor } from "@graphql-tools/executor-http";
import { stitchSchemas } from "@graphql-tools/stitch";
import { RenameRootFields } from "@graphql-tools/wrap";
import { buildSchema } from "graphql";
import { createYoga } from "graphql-yoga";
import { CITIES, HEADERS, NAMES, TYPE_DEFS, merged } from "./merge.mjs";

const sdl = readFileSync("city.graphql", "utf8");
const subschemas = Object.fromEntries(
  NAMES.map((city) => [
    city,
    {
      schema: buildSchema(sdl),
      executor: buildHTTPExecutor({ endpoint: CITIES[city], headers: HEADERS }),
      transforms: [new RenameRootFields((_operation, field) => `${city}_${field}`)],
    },
  ]),
);

const schema = stitchSchemas({
  subschemas: Object.values(subschemas),
  typeDefs: TYPE_DEFS,
  resolvers: {
    Query: {
      observations: (_root, args, context, info) =>
        merged(
          (city, own) =>
            delegateToSchema({
              schema: subschemas[city],
              operation: "query",
              fieldName: `${city}_observations`,
              args: own,
              context,
              info,
            }),
          args,
        ),
    },
  },
});

const yoga = createYoga({ schema, graphiql: false, landingPage: false, logging: false });
createServer(yoga).listen(Number(process.env.PORT), "127.0.0.1");
