// Swagger UI as both docs pages show it; the Swagger UI itself comes from the bundle or, where nothing was built, from the CDN.
import { showBar } from './bar.js';
import { newest } from './newest.js';
import { config, token } from './session.js';
import { tryable } from './try-out.js';

const isBearer = ({ type, scheme }) => type === 'http' && scheme?.toLowerCase() === 'bearer';

/** Gives the token to every bearer scheme of the document, as its “Authorize” dialog would. */
const authorize = (ui) => {
  const schemes = ui.specSelectors.securityDefinitions()?.toJS() ?? {};
  const names = Object.keys(schemes).filter((name) => isBearer(schemes[name]));
  if (token()) names.forEach((name) => ui.preauthorizeApiKey(name, token()));
};

const followTheme = () => {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
  dark.addEventListener('change', apply);
  apply();
};

/** Changes the document on its way in, however it is loaded. */
const changing = (change) => () => ({
  statePlugins: { spec: { wrapActions: { updateJsonSpec: (update) => (document) => update(change(document)) } } },
});

export const showDocs = async (SwaggerUIBundle) => {
  followTheme();
  // Another token sees other records: the page begins anew.
  showBar({ title: 'REST API', link: { href: config.url, text: 'GraphQL explorer' }, onToken: () => location.reload() });
  const records = await newest();
  const ui = SwaggerUIBundle({
    domNode: document.getElementById('page'),
    url: config.openapiUrl,
    plugins: [changing((document) => tryable(document, records))],
    onComplete: () => authorize(ui),
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
};
