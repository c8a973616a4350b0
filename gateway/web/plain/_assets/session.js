// What both pages know: the server's configuration, and the token, which is kept for this tab only.
const KEY = 'gateway.token';

/** {url, subscriptionUrl, openapiUrl, sdlUrl, token, examples: [{name, hint, document, variables}]}, embedded by the server. */
export const config = JSON.parse(document.getElementById('config').textContent);

export const token = () => sessionStorage.getItem(KEY) ?? config.token ?? '';

export const keepToken = (value) => sessionStorage.setItem(KEY, value.trim());

/** The header (and the payload of connection_init) that says who is asking. */
export const authorization = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

/** Where the WebSocket listens: the page's own host, encrypted where the page is. */
export const socketUrl = () => new URL(config.subscriptionUrl, location.href).href.replace(/^http/, 'ws');

/** Told whether the server took the token, after each answer. */
export const onAnswer = (listener) => addEventListener('answered', ({ detail }) => listener(detail.taken));

const fetchWithToken = async (url, init) => {
  const response = await fetch(url, { ...init, headers: { ...authorization(), ...init.headers } });
  dispatchEvent(new CustomEvent('answered', { detail: { taken: response.status !== 401 } }));
  return response;
};

/** Saves the schema as a file: a plain link to it would carry no token. */
export const downloadSchema = async () => {
  const response = await fetchWithToken(config.sdlUrl, {});
  if (!response.ok) return;
  const href = URL.createObjectURL(await response.blob());
  Object.assign(document.createElement('a'), { href, download: 'schema.graphql' }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000); // the browser reads it a little later
};

/** A fetcher for GraphiQL: queries by POST, subscriptions by graphql-transport-ws. */
export const createFetcher = (createGraphiQLFetcher, createClient) =>
  createGraphiQLFetcher({
    url: config.url,
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
