// Swagger UI as both docs pages show it; the Swagger UI itself comes from the bundle or, where nothing was built, from the CDN.
import { showBar } from './bar.js';
import { namesControls } from './names.js';
import { newest } from './newest.js';
import { at, token } from './session.js';
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

const isError = ([code]) => /^[45]|^default$/i.test(code);

/** A route's answers: those that are errors, a dozen each, are folded until somebody wants to see them (docs.css hides the rows). */
const folding = ({ React }) => ({
  wrapComponents: {
    responses: (Responses) => (props) => {
      const [open, setOpen] = React.useState(false);
      const errors = [...props.responses.entrySeq()].filter(isError).length;
      const words = `${open ? 'Hide' : 'Show'} the ${errors} error answers`;
      const button = React.createElement('button', { type: 'button', className: 'btn fold', 'aria-expanded': open, onClick: () => setOpen(!open) }, words);
      return React.createElement('div', { className: open ? 'answers' : 'answers folded' }, React.createElement(Responses, props), errors > 0 && button);
    },
  },
});

export const showDocs = async (SwaggerUIBundle) => {
  followTheme();
  // Another token sees other records: the page begins anew.
  showBar({ page: 'docs', onToken: () => location.reload() });
  const records = await newest();
  const ui = SwaggerUIBundle({
    domNode: document.getElementById('page'),
    url: at('api/openapi.json'),
    plugins: [changing((document) => tryable(document, records)), folding],
    onComplete: () => authorize(ui),
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
  namesControls(document.getElementById('page'), '.opblock-section, .responses-wrapper');
};
