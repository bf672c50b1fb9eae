// Follows observations with clients that others have written; the job comes on standard input, what came goes out.
import { createClient as sse } from "graphql-sse";
import { createClient as ws } from "graphql-ws";

const job = JSON.parse(await new Response(process.stdin).text());

async function followed(client, query, variables, onCursor) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) {
    if (result.errors) return { results, errors: result.errors };
    const batch = result.data.observations;
    results.push(...batch.nodes.map((node) => node.result));
    onCursor(batch.cursor);
    if (results.length >= job.count) break;
  }
  return { results };
}

const clients = {
  sse: () => sse({ url: job.api, retryAttempts: 0 }),
  ws: () => ws({
    url: job.api.replace(/^http/, "ws"),
    retryAttempts: job.params ? 3 : 0,
    connectionParams: () => job.params?.shift(),
  }),
};
const client = clients[job.by]();
let isFirst = true;
const answer = await followed(client, job.query, job.variables, (cursor) => {
  job.variables.after = cursor; // where the client begins again by itself
  if (isFirst) process.stdout.write(JSON.stringify({ cursor }) + "\n");
  isFirst = false;
});
process.stdout.write(JSON.stringify(job.params ? { ...answer, unused: job.params.length } : answer) + "\n");
await client.dispose();
