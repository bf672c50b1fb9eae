// What both gateways need to answer from several nodes of one schema: a root field of each city under a name of its own,
// one more for all of them, and the merge behind it. Stateless: no cursor, no report, no tokens.
export const CITIES = Object.fromEntries(
  process.env.CITIES.split(",").map((entry) => {
    const [city, port] = entry.split(":");
    return [city, `http://127.0.0.1:${port}/graphql`];
  }),
);
export const NAMES = Object.keys(CITIES).sort();
export const HEADERS = { "accept-encoding": "identity" }; // on one machine compression only costs

export const TYPE_DEFS = `extend type Query {
  observations(
    filter: ObservationFilter!, during: TimeInterval!, orderBy: TimeOrder!, first: Int!
  ): ObservationConnection!
}`;

// `ask(city, args)` gives that city's own page. Newest first, then by city: the sort is stable.
export async function merged(ask, args) {
  const pages = await Promise.all(NAMES.map((city) => ask(city, { ...args, cities: [city] })));
  const rows = [];
  for (const page of pages) {
    if (page instanceof Error) throw page;
    rows.push(...page.nodes);
  }
  rows.sort((a, b) => (a.phenomenonTime < b.phenomenonTime ? 1 : a.phenomenonTime > b.phenomenonTime ? -1 : 0));
  return { nodes: rows.slice(0, args.first) };
}
