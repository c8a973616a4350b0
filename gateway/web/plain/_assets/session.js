// What all pages know: where the gateway is, and the token, which is kept for this tab only.

/** {root, sdlUrl, token, examples: [{name, hint, document, variables}]}, embedded by the server; addresses are below the root. */
export const config = JSON.parse(document.getElementById('config').textContent);

/** The absolute address of what is at `path` below the gateway's root, which may itself be below a prefix. */
export const at = (path) => new URL(config.root + path, location.href).href;

// Two gateways below two prefixes of one host share the tab's storage.
const KEY = `gateway.token ${new URL(at('')).pathname}`;

/** Whether this is a demo: its deals are nobody's, so that writes may be filled in. */
export const demo = Boolean(config.token);

export const token = () => sessionStorage.getItem(KEY) ?? config.token ?? '';

export const keepToken = (value) => sessionStorage.setItem(KEY, value.trim());

/** The header (and the payload of connection_init) that says who is asking. */
export const authorization = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

/** Where the WebSocket listens: the page's own host, encrypted where the page is. */
export const socketUrl = () => at('graphql').replace(/^http/, 'ws');

/** Told whether the server took the token, after each answer. */
export const onAnswer = (listener) => addEventListener('answered', ({ detail }) => listener(detail.taken));

export const fetchWithToken = async (url, init = {}) => {
  const response = await fetch(url, { ...init, headers: { ...authorization(), ...init.headers } });
  dispatchEvent(new CustomEvent('answered', { detail: { taken: response.status !== 401 } }));
  return response;
};

/** The answer to a query: {status, data, errors}. Rejects where there is no gateway, or no answer of one. */
export const ask = async (query, variables = {}) => {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetchWithToken(at('graphql'), { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return { status: response.status, ...(await response.json()) };
};

/** Saves the schema as a file: a plain link to it would carry no token. */
export const downloadSchema = async () => {
  const response = await fetchWithToken(at(config.sdlUrl));
  if (!response.ok) return;
  const href = URL.createObjectURL(await response.blob());
  Object.assign(document.createElement('a'), { href, download: 'schema.graphql' }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000); // the browser reads it a little later
};

/** A fetcher for GraphiQL: queries by POST, subscriptions by graphql-transport-ws. */
export const createFetcher = (createGraphiQLFetcher, createClient) =>
  createGraphiQLFetcher({
    url: at('graphql'),
    fetch: fetchWithToken,
    enableIncrementalDelivery: false,
    wsClient: createClient({ url: socketUrl(), connectionParams: authorization }),
  });

/** Says what to do where the CDN was out of reach; the pages that were built never need it. */
export const needs = (...globals) => {
  if (globals.every((name) => window[name])) return;
  const text = 'This page was not built and its CDN cannot be reached. Build it: npm --prefix gateway/web ci && npm --prefix gateway/web run build';
  document.getElementById('page').textContent = text;
  throw new Error(text);
};
