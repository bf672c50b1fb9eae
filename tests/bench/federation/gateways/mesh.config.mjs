// Composes the supergraph for Hive Gateway: a prefix for each city's root fields, and the field for all of them.
import { createPrefixTransform, defineConfig, loadGraphQLHTTPSubgraph } from "@graphql-mesh/compose-cli";
import { CITIES, HEADERS, NAMES, TYPE_DEFS } from "./merge.mjs";

export const composeConfig = defineConfig({
  subgraphs: NAMES.map((city) => ({
    sourceHandler: loadGraphQLHTTPSubgraph(city, {
      endpoint: CITIES[city],
      method: "POST",
      source: "./city.graphql",
      operationHeaders: HEADERS,
    }),
    transforms: [createPrefixTransform({ value: `${city}_`, includeRootOperations: true, includeTypes: false })],
  })),
  additionalTypeDefs: TYPE_DEFS,
});
