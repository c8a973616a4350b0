// Which document the explorer opens: examples, and links such as /graphql#query=…&variables=…&operationName=….
import { newest } from './newest.js';

const PLACEHOLDER = /"(opp|acc|usr|cnt)_…"/g;

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

/** The example with ids of records that are there in place of `opp_…` and the like. */
export const filled = async (example) => {
  if (!example.variables.match(PLACEHOLDER)) return example;
  const found = await newest();
  const filledIn = (placeholder, prefix) => (found[prefix]?.length ? `"${found[prefix][0]}"` : placeholder);
  return { ...example, variables: example.variables.replace(PLACEHOLDER, filledIn) };
};
