// The peer PostGraphile 5 as one would run it in production: one process, no explorer, no watching, a pool of ten.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { DATABASE_URL, PORT, POOL } = process.env;
const size = Number(POOL);

const graphile = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({ connectionString: DATABASE_URL, schemas: ["public"], poolConfig: { min: size, max: size } }),
  ],
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, websockets: false },
  grafast: { explain: false },
});

const server = createServer();
await graphile.createServ(grafserv).addTo(server);
server.listen(Number(PORT), "127.0.0.1");
