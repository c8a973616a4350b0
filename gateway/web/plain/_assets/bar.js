// The bar above all pages: the way to the others, examples, and the token field.
import { element } from './elements.js';
import { at, config, downloadSchema, keepToken, onAnswer, token } from './session.js';

export const NO_TOKEN = 'Paste a token, from `gateway token create`';

const PAGES = { start: ['', 'Start'], explorer: ['graphql', 'Explorer'], docs: ['api/docs', 'REST API'] };

const tokenField = (onToken) => {
  const input = element('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: false,
    placeholder: 'paste a token here',
    title: `${NO_TOKEN}. It is sent as “Authorization: Bearer …” and kept for this tab only.`,
    value: token(),
  });
  input.addEventListener('change', () => {
    keepToken(input.value);
    onToken(token());
  });
  const refusal = element('span', { role: 'status' });
  onAnswer((taken) => {
    input.ariaInvalid = String(!taken && Boolean(token()));
    refusal.textContent = taken || !token() ? '' : 'not accepted:';
  });
  return element('label', { className: 'token' }, 'Token', refusal, input);
};

const exampleButton = (example, onExample) =>
  element('button', { type: 'button', title: example.hint, onclick: () => onExample(example) }, example.name);

/** A link that saves the schema, as whoever the token says. */
export const savesSchema = (link) => {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    downloadSchema();
  });
  return link;
};

const schemaLink = () => savesSchema(element('a', { href: at(config.sdlUrl), title: 'Download the schema as text (SDL).' }, 'Schema'));

const pageLink = (name, page) => {
  const [path, text] = PAGES[name];
  const link = element('a', { href: at(path) }, text);
  if (name === page) link.ariaCurrent = 'page';
  return link;
};

/** Fills the bar of `page`; `onToken` is told of a new token, `onExample` of the example that was clicked. */
export const showBar = ({ page, title, examples = [], onExample, onToken }) => {
  const links = Object.keys(PAGES).map((name) => pageLink(name, page));
  const buttons = examples.map((example) => exampleButton(example, onExample));
  document.getElementById('bar').replaceChildren(
    ...(title ? [element('h1', {}, title)] : []),
    element('nav', { className: 'pages', ariaLabel: 'Pages' }, ...links, config.sdlUrl && schemaLink()),
    ...(buttons.length ? [element('nav', { className: 'examples', ariaLabel: 'Examples' }, element('span', {}, 'Examples'), ...buttons)] : []),
    tokenField(onToken),
  );
};
