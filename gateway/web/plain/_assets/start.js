// The start page: the bar, the pipeline, and what depends on where the gateway is.
import { savesSchema, showBar } from './bar.js';
import { showPipeline } from './pipeline.js';
import { at, config } from './session.js';

const WRITTEN = 'http://127.0.0.1:8000/';

/** Commands that can be pasted as they stand. */
const nameHost = () => {
  for (const code of document.querySelectorAll('pre code')) code.textContent = code.textContent.replace(WRITTEN, at(''));
};

const faulty = (checks) => Object.entries(checks).filter(([, state]) => state !== 'ok').map((pair) => pair.join(' ')).join(', ');

const showHealth = async () => {
  const shown = document.getElementById('health');
  const [words, kind] = await fetch(at('readyz'))
    .then((response) => response.json())
    .then(({ status, checks }) => (status === 'ready' ? ['The gateway is ready.', 'well'] : [`The gateway is not ready: ${faulty(checks)}.`, 'ill']))
    .catch(() => ['The gateway is out of reach.', 'ill']);
  Object.assign(shown, { textContent: words, className: kind });
};

const offerSchema = () => {
  const card = document.getElementById('schema');
  card.hidden = !config.sdlUrl;
  savesSchema(card.querySelector('a'));
};

showBar({ page: 'start', onToken: showPipeline });
nameHost();
offerSchema();
showHealth();
showPipeline();
