// What both gateways need to answer from several services of one schema: a root field of each city under a name of its
// own, one more for all of them, and the merge behind it. Stateless: no cursor, no report, no tokens.
export const CITIES = Object.fromEntries(
  process.env.CITIES.split(",").map((entry) => {
    const [city, port] = entry.split(":");
    return [city, `http://127.0.0.1:${port}/graphql`];
  }),
);
export const NAMES = Object.keys(CITIES).sort();

export const TYPE_DEFS = `extend type Query {
  observations(datastream: Int!, start: DateTime!, end: DateTime!, first: Int!): [Observation!]!
}`;

// `ask(city)` gives that city's rows. Newest first, then by city: the sort is stable.
export async function merged(ask, first) {
  const pages = await Promise.all(NAMES.map(ask));
  const rows = [];
  for (const page of pages) {
    if (page instanceof Error) throw page;
    rows.push(...page);
  }
  rows.sort((a, b) => (a.phenomenonTime < b.phenomenonTime ? 1 : a.phenomenonTime > b.phenomenonTime ? -1 : 0));
  return rows.slice(0, first);
}
