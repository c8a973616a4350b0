// Swagger UI as both docs pages show it; the Swagger UI itself comes from the bundle or, where nothing was built, from the CDN.
import { showBar } from './bar.js';
import { config, token } from './session.js';

const isBearer = ({ type, scheme }) => type === 'http' && scheme?.toLowerCase() === 'bearer';

/** Gives the token to every bearer scheme of the document, as its “Authorize” dialog would. */
const authorize = (ui) => {
  const schemes = ui.specSelectors.securityDefinitions()?.toJS() ?? {};
  const names = Object.keys(schemes).filter((name) => isBearer(schemes[name]));
  if (token()) names.forEach((name) => ui.preauthorizeApiKey(name, token()));
  else if (ui.authSelectors.authorized()?.size) ui.authActions.logout(names);
};

const followTheme = () => {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
  dark.addEventListener('change', apply);
  apply();
};

export const showDocs = (SwaggerUIBundle) => {
  followTheme();
  const ui = SwaggerUIBundle({
    domNode: document.getElementById('page'),
    url: config.openapiUrl,
    onComplete: () => authorize(ui),
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
  showBar({ title: 'REST API', link: { href: config.url, text: 'GraphQL explorer' }, onToken: () => authorize(ui) });
};
