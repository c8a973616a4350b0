// Which document the explorer opens: examples, and links such as /graphql#query=…&variables=…&operationName=… or #example=Create.
import { TITLE } from './events.js';
import { newest } from './newest.js';
import { config, demo } from './session.js';

const PLACEHOLDER = /"(opp|acc|usr|cnt)_…"/g;

/** Where everything stands in one column (explorer.css has the same width). */
export const PHONE = matchMedia('(max-width: 700px)').matches;

const pretty = (variables) => {
  try {
    return JSON.stringify(JSON.parse(variables), null, 2);
  } catch {
    return variables;
  }
};

/** The document that the address asks for, or undefined. The fragment stays in the browser: no server sees or logs it. */
export const linked = () => {
  const asked = [location.hash.slice(1), location.search].map((text) => new URLSearchParams(text)).find((it) => it.has('query') || it.has('example'));
  if (!asked) return undefined;
  history.replaceState(null, '', location.pathname);
  if (asked.has('example')) return config.examples.find(({ name }) => name === asked.get('example'));
  return {
    document: asked.get('query'),
    variables: pretty(asked.get('variables') ?? ''),
    operationName: asked.get('operationName') ?? undefined,
  };
};

const writes = ({ document }) => /^mutation\b/m.test(document);

/** The example with ids of records that are there in place of `opp_…` and the like; writes only in the demo, where no deal is real. */
export const filled = async (example) => {
  if (!example.variables.match(PLACEHOLDER) || (writes(example) && !demo)) return example;
  const found = await newest();
  const filledIn = (placeholder, prefix) => (found[prefix]?.length ? `"${found[prefix][0]}"` : placeholder);
  return { ...example, variables: example.variables.replace(PLACEHOLDER, filledIn) };
};

/** On a phone a panel lies over the operation: it goes when another one is opened. */
export const showOperation = () => PHONE && document.querySelector('.graphiql-sidebar button.active')?.click();

/** Opens the panel of events, as its button in GraphiQL's sidebar would. */
export const openEvents = () => document.querySelector(`.graphiql-sidebar button[aria-label="Show ${TITLE}"]`)?.click();
