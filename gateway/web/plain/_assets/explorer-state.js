// Which document the explorer opens: examples, and links such as /graphql#query=…&variables=…&operationName=….
import { authorization, config } from './session.js';

const PLACEHOLDERS = '{ opportunities(first: 1) { nodes { id account { id } } } }';

const pretty = (variables) => {
  try {
    return JSON.stringify(JSON.parse(variables), null, 2);
  } catch {
    return variables;
  }
};

/** The document that the address asks for, or undefined. The fragment stays in the browser: no server sees or logs it. */
export const linked = () => {
  const asked = [location.hash.slice(1), location.search].map((text) => new URLSearchParams(text)).find((it) => it.has('query'));
  if (!asked) return undefined;
  history.replaceState(null, '', location.pathname);
  return {
    document: asked.get('query'),
    variables: pretty(asked.get('variables') ?? ''),
    operationName: asked.get('operationName') ?? undefined,
  };
};

const newest = async () => {
  const headers = { 'Content-Type': 'application/json', ...authorization() };
  const response = await fetch(config.url, { method: 'POST', headers, body: JSON.stringify({ query: PLACEHOLDERS }) });
  return (await response.json()).data.opportunities.nodes[0];
};

/** The example with the ids of the newest opportunity in place of `opp_…` and `acc_…`, where there is one to read. */
export const filled = async (example) => {
  if (!example.variables.includes('_…"')) return example;
  try {
    const { id, account } = await newest();
    return { ...example, variables: example.variables.replaceAll('opp_…', id).replaceAll('acc_…', account.id) };
  } catch {
    return example;
  }
};
