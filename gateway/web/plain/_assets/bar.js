// The bar above both pages: title, links or buttons, and the token field.
import { config, downloadSchema, keepToken, onAnswer, token } from './session.js';

const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

const tokenField = (onToken) => {
  const input = element('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: false,
    placeholder: 'paste an API token here',
    title: 'Sent as “Authorization: Bearer …”. Kept for this tab only.',
    value: token(),
  });
  input.addEventListener('change', () => {
    keepToken(input.value);
    onToken(token());
  });
  const refusal = element('span', { role: 'status' });
  onAnswer((taken) => {
    input.ariaInvalid = String(!taken);
    refusal.textContent = taken || !token() ? '' : 'not accepted:';
  });
  return element('label', { className: 'token' }, 'Token', refusal, input);
};

const exampleButton = (example, onExample) =>
  element('button', { type: 'button', title: example.hint, onclick: () => onExample(example) }, example.name);

const schemaLink = () => {
  const onclick = (event) => {
    event.preventDefault();
    downloadSchema();
  };
  return element('a', { href: config.sdlUrl, title: 'Download the schema as text (SDL).', onclick }, 'Schema');
};

/** Fills the bar; `onToken` is told of a new token, `onExample` of the example that was clicked. */
export const showBar = ({ title, link, examples = [], onExample, onToken }) => {
  const buttons = examples.map((example) => exampleButton(example, onExample));
  const group = element('nav', { ariaLabel: 'Examples' }, ...(buttons.length ? ['Examples', ...buttons] : []));
  const other = element('a', { href: link.href }, link.text);
  const links = config.sdlUrl ? [other, schemaLink()] : [other];
  document.getElementById('bar').replaceChildren(element('strong', {}, title), group, ...links, tokenField(onToken));
};
