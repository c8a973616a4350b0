// The explorer: it loads, shows the schema's documentation, runs a query, runs a subscription and shows an event, and opens the links that the REST side gives.
import { readFile } from 'node:fs/promises';
import { main, until, visit } from './browser.mjs';

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

const signIn = async (page, { base, token }) => {
  await page.goto(`${base}/graphql`);
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
  const field = page.getByLabel('Token');
  if ((await field.inputValue()) === token) return;
  await field.fill(token);
  await field.press('Enter');
};

const seesDocs = (page) =>
  until('the fields of Query in the Docs panel', async () => (await page.locator('.graphiql-plugin').innerText()).includes('opportunities('));

/** Away with the scrollbars that show where the mouse is. */
const keep = async (page, path) => {
  await page.mouse.move(0, 0);
  await page.waitForTimeout(1_000);
  await page.screenshot({ path });
};

const isToldOfWrongToken = async (page, { token }) => {
  const field = page.getByLabel('Token');
  await field.fill('wrong');
  await field.press('Enter');
  await until('“not accepted” beside the token', async () => (await page.locator('#bar').innerText()).includes('not accepted'));
  await field.fill(token);
  await field.press('Enter');
  await until('a token that is accepted', async () => !(await page.locator('#bar').innerText()).includes('not accepted'));
};

const runsQuery = async (page) => {
  await run(page);
  const text = await until('an answer to the first query', async () => /"(data|errors)"/.test(await answer(page)) && answer(page));
  if (!text.includes('"totalCount"')) throw new Error(`the first query was answered by:\n${text}`);
};

const seesEvent = async (page, given) => {
  const frames = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => frames.push(`→ ${payload}`));
    socket.on('framereceived', ({ payload }) => frames.push(`← ${payload}`));
    socket.on('close', () => frames.push('closed'));
  });
  await example(page, 'Watch');
  await until('the subscription in the editor', async () => (await operation(page)).includes('subscription'));
  await showsTab(page, 'WatchOpportunities');
  await run(page);
  await until('“subscribe” on the WebSocket', () => frames.some((frame) => frame.includes('"subscribe"')));
  const { id } = (await graphql(given, FIRST)).opportunities.nodes[0];
  let turn = 0;
  const seen = async () => {
    await graphql(given, RENAME, { id, name: `Seen live, ${(turn += 1)}` });
    await new Promise((resolve) => setTimeout(resolve, 400));
    return (await answer(page)).includes('Seen live');
  };
  await until('the event in the response', seen).catch((error) => {
    throw new Error(`${error.message}; frames of the WebSocket:\n${frames.join('\n') || '(none)'}`);
  });
};

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
  const variables = await editor(page, '.graphiql-editor-tools ~ .graphiql-editor-tool, .graphiql-editor-tool');
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
  await signIn(page, given);
  await seesDocs(page);
  await runsQuery(page);
  if (given.screenshot) await keep(page, given.screenshot);
  await seesEvent(page, given);
  await page.getByRole('button', { name: /^Stop query/ }).click();
  await isToldOfWrongToken(page, given);
  await keepsToken(page, given);
  await downloadsSchema(page);
  await opensLink(page, given);
  await opensTranslation(page, given);
};

// Chromium logs each answer of 401, and one token is wrong on purpose.
await main((given) => visit(given.base, (page) => steps(page, given), { expected: /status of 401/ }));
