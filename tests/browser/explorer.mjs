// The explorer: it loads, shows the schema's documentation, builds and runs a query, follows events, and opens the links that the REST side gives.
import { readFile } from 'node:fs/promises';
import { asInEarnest, isAccessible, main, onEachScreen, paste, until, visit } from './browser.mjs';

const FIRST = '{ opportunities(first: 1) { nodes { id } } }';
const RENAME = 'mutation Rename($id: ID!, $name: String!) { updateOpportunity(id: $id, input: { name: $name }) { userErrors { message } } }';

const graphql = async ({ base, token }, query, variables = {}) => {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const response = await fetch(`${base}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const text = await response.text();
  const { data, errors } = JSON.parse(text);
  if (!data || errors) throw new Error(`POST /graphql answered ${response.status}: ${text.slice(0, 500)}`);
  return data;
};

/** The text of one of GraphiQL's editors, as far as it is in view. */
const editor = async (page, part) => (await page.locator(`${part} .view-lines`).first().innerText()).replaceAll('\u00a0', ' ');
const answer = (page) => editor(page, '.graphiql-response');
const operation = (page) => editor(page, '.graphiql-query-editor');
const run = (page) => page.getByRole('button', { name: /^Execute query/ }).click();
const example = (page, name) => page.getByRole('navigation', { name: 'Examples' }).getByRole('button', { name }).click();

/** The tab has its name once GraphiQL has parsed the document: only then it knows what it would run. */
const showsTab = (page, name) =>
  until(`the tab “${name}”`, async () => (await page.locator('.graphiql-tab-active').innerText()).includes(name));

/** Keeps the editors away until it is called. */
const editorsComeLate = async (page) => {
  let come;
  const called = new Promise((resolve) => (come = resolve));
  await page.route(/monaco-editor-.*\.js/, (route) => called.then(() => route.continue()));
  return come;
};

/** Without a token it says what to do, and with one it fills in nothing that a click could change. No click is lost while it loads. */
const asksForToken = async (page, { base, token }) => {
  const undo = await asInEarnest(page, `${base}/graphql`);
  const editorsCome = await editorsComeLate(page);
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(`${base}/graphql`);
  await until('what to do without a token', async () => (await page.locator('.graphiql-plugin').innerText()).includes('Paste a token, from `gateway token create`'));
  await paste(page, token);
  await seesDocs(page);
  await example(page, 'Update');
  editorsCome();
  await showsTab(page, 'UpdateOpportunity');
  if (!(await variablesShown(page)).includes('opp_…')) throw new Error('outside of a demo, “Update” is filled in with a record');
  await undo();
};

/** From the prefix without its slash, which the pages know where the proxy tells it. */
const opens = async (page, { base }) => {
  await page.goto(base);
  await page.getByRole('link', { name: 'GraphQL explorer' }).click();
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
};

const variablesShown = (page) => editor(page, '.graphiql-editor-tools ~ .graphiql-editor-tool, .graphiql-editor-tool');

const showsPanel = async (page, name) => {
  const button = page.getByRole('button', { name: `Show ${name}` });
  if (await button.count()) await button.click();
};

const seesDocs = (page) =>
  until('the fields of Query in the Docs panel', async () => (await page.locator('.graphiql-plugin').innerText()).includes('opportunities('));

/** Away with the scrollbars that show where the mouse is. */
const keep = async (page, path) => {
  await page.mouse.move(0, 0);
  await page.addStyleTag({ content: '.monaco-editor .scrollbar { display: none }' });
  await page.screenshot({ path, clip: { x: 0, y: 0, width: 1280, height: 600 } });
};

const isToldOfWrongToken = async (page, { token }) => {
  await paste(page, 'wrong');
  await until('“not accepted” beside the token', async () => (await page.locator('#bar').innerText()).includes('not accepted'));
  await showsPanel(page, 'Documentation Explorer');
  await until('why there is no schema', async () => (await page.locator('.graphiql-plugin').innerText()).includes('the token is not accepted'));
  await paste(page, token);
  await until('a token that is accepted', async () => !(await page.locator('#bar').innerText()).includes('not accepted'));
};

const runsQuery = async (page) => {
  await run(page);
  const text = await until('an answer to the first query', async () => /"(data|errors)"/.test(await answer(page)) && answer(page));
  if (!text.includes('"totalCount"')) throw new Error(`the first query was answered by:\n${text}`);
};

/** A click in the tree of fields writes the field into the query. */
const buildsQuery = async (page) => {
  await showsPanel(page, 'Query builder');
  await page.locator('[data-field-name=probability]').first().click();
  await run(page);
  await until('the clicked field in the answer', async () => (await answer(page)).includes('"probability"'));
  await isAccessible(page, 'the query builder');
};

const rename = async (given, id, name) => graphql(given, RENAME, { id, name });

/** Events are kept in a list, which goes on while its reader is in another tab; Stop ends it. */
const followsEvents = async (page, given) => {
  const frames = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => frames.push(`→ ${payload}`));
    socket.on('framereceived', ({ payload }) => frames.push(`← ${payload}`));
    socket.on('close', () => frames.push('closed'));
  });
  const list = page.locator('.events li');
  const seen = (what, count) =>
    until(`${what} in the list`, async () => (await list.count()) === count).catch((error) => {
      throw new Error(`${error.message}; frames of the WebSocket:\n${frames.join('\n') || '(none)'}`);
    });
  await example(page, 'Watch');
  await showsTab(page, 'WatchOpportunities');
  await run(page);
  await until('“subscribe” on the WebSocket', () => frames.some((frame) => frame.includes('"subscribe"')));
  const { id } = (await graphql(given, FIRST)).opportunities.nodes[0];
  let first = 0; // what is renamed before the server has heard “subscribe” is no event
  const heard = () => until('an event', () => list.count(), 2_000).catch(() => 0);
  await until('the first event', async () => (await rename(given, id, `Renamed ${(first += 1)}`), heard()));
  await until('the event in the answer', async () => (await answer(page)).includes('Renamed'));
  await until('all events of before', async () => (await list.first().innerText()).includes(`Renamed ${first}`));
  const before = await list.count();
  await example(page, 'Update');
  await showsTab(page, 'UpdateOpportunity');
  await until('the demo’s deal in the variables', async () => (await variablesShown(page)).includes('"opp_0'));
  await rename(given, id, 'Renamed from elsewhere');
  await seen('an event while in another tab', before + 1);
  if (!(await list.first().innerText()).includes('Renamed from elsewhere')) throw new Error('the newest event isn’t the first');
  if ((await answer(page)).includes('Renamed')) throw new Error('an event in the answer of another operation');
  await list.first().locator('summary').click();
  await until('the whole event', async () => (await list.first().innerText()).includes('"opportunityChanged"'));
  await isAccessible(page, 'the events');
  await page.locator('.events').getByRole('button', { name: 'Stop' }).click();
  await until('the end of the subscription', async () => (await page.locator('.events').innerText()).includes('ended, '));
};

/** With more tabs than there is room for, the active one is in sight. */
const showsActiveTab = async (page) => {
  for (const name of ['List', 'Get', 'Create', 'Delete', 'Pipeline']) await example(page, name);
  await until('the last tab in sight', () => page.locator('.graphiql-tab-active').evaluate((tab) => {
    const [inner, outer] = [tab, tab.parentElement].map((it) => it.getBoundingClientRect());
    return tab.innerText.includes('Pipeline') && inner.right <= outer.right + 1 && inner.left >= outer.left - 1;
  }));
};

/** On each screen, operation and answer are wide and high enough to be read. */
const fitsEachScreen = (page) =>
  onEachScreen(page, 'the explorer', async (width) => {
    if (width < 700) await page.locator('.graphiql-sidebar .active').click();
    for (const part of ['.graphiql-query-editor', '.graphiql-response']) {
      const box = await until(`${part} that can be read at ${width}`, async () => {
        const { width: wide, height } = await page.locator(part).boundingBox();
        return wide >= Math.min(330, width / 3.5) && height >= 150 && { wide, height };
      }, 3_000);
      if (width < 700 && box.wide < width * 0.9) throw new Error(`${part} is ${box.wide} px wide on a phone`);
    }
    await page.getByRole('button', { name: /^Execute query/ }).click({ trial: true }); // nothing lies over it
    if (width < 700) await showsPanel(page, 'Documentation Explorer');
  });

const keepsToken = async (page, { token }) => {
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }));
  if (kept.includes(token)) throw new Error('the token is in localStorage, which outlives the tab');
};

const downloadsSchema = async (page) => {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Schema' }).click()]);
  const text = await readFile(await download.path(), 'utf8');
  if (download.suggestedFilename() !== 'schema.graphql' || !text.includes('type Query {')) throw new Error(`downloaded was:\n${text.slice(0, 200)}`);
};

const opensLink = async (page, { base }) => {
  const query = 'query One { stages { label } }\n\nquery Linked($id: ID!) { opportunity(id: $id) { id } }';
  const fragment = new URLSearchParams({ query, variables: '{"id":"opp_linked"}', operationName: 'Linked' });
  await page.goto(`${base}/graphql#${fragment}`);
  await until('the linked document in the editor', async () => (await operation(page)).includes('query Linked'));
  const variables = await variablesShown(page);
  if (!variables.includes('opp_linked')) throw new Error(`the linked variables are not in place, but: ${variables}`);
  await showsTab(page, 'Linked');
};

/** The link that a REST call's explanation gives: document and variables are in place, and run. */
const opensTranslation = async (page, { base, token }) => {
  const asked = new URLSearchParams({ method: 'GET', path: '/api/opportunities/?stage=proposal&fields=id,stage' });
  const shown = await fetch(`${base}/api/_graphql?${asked}`, { headers: { Authorization: `Bearer ${token}` } });
  const { explorerUrl } = await shown.json();
  await page.goto('about:blank'); // another fragment alone is no visit
  await page.goto(explorerUrl);
  await until('the translation in the editor', async () => (await operation(page)).includes('query ListOpportunities'));
  await showsTab(page, 'ListOpportunities');
  await run(page);
  await until('deals of that stage', async () => (await answer(page)).includes('"stage": "PROPOSAL"'));
};

const steps = async (page, given) => {
  await opens(page, given);
  await seesDocs(page);
  await runsQuery(page);
  await isAccessible(page, 'the explorer');
  if (given.screenshot) await keep(page, given.screenshot);
  await fitsEachScreen(page);
  await buildsQuery(page);
  await followsEvents(page, given);
  await showsActiveTab(page);
  await isToldOfWrongToken(page, given);
  await keepsToken(page, given);
  await downloadsSchema(page);
  await asksForToken(page, given);
  await opensLink(page, given);
  await opensTranslation(page, given);
};

// Chromium logs each answer of 401, and one token is wrong on purpose.
await main((given) => visit(given.base, (page) => steps(page, given), { expected: /status of 401/ }), { tells: true });
