// The REST documentation: it loads, takes a token, “Try it out” shows deals, then one of them, as it stands; no click closes a deal.
import { asInEarnest, isAccessible, main, onEachScreen, paste, until, visit } from './browser.mjs';

const ROUTE = '/api/opportunities/{id}/';
const route = (page, method, path) => page.locator(`.opblock-${method}`).filter({ has: page.locator(`[data-path="${path}"]`) });

const open = async (page, method, path) => {
  const opened = route(page, method, path);
  await opened.locator('.opblock-summary-control').first().click();
  await opened.getByRole('button', { name: 'Execute' }).waitFor();
  return opened;
};

const authorize = async (page, token) => {
  await page.getByRole('button', { name: 'Authorize' }).first().click();
  const dialog = page.locator('.dialog-ux');
  const logout = dialog.locator('button', { hasText: 'Logout' }); // shown where the page has a token already (--demo)
  await dialog.locator('.auth-btn-wrapper').first().waitFor();
  if (await logout.count()) await logout.first().click();
  await dialog.locator('input[type=text], input[type=password]').first().fill(token);
  await dialog.locator('button', { hasText: 'Authorize' }).first().click();
  await dialog.getByRole('button', { name: 'Close' }).first().click();
};

/** What “Execute” on an operation is answered by, with the parameters as they stand. */
const executed = async (page, method, path) => {
  const opened = await open(page, method, path);
  await opened.getByRole('button', { name: 'Execute' }).click();
  const answer = opened.locator('.live-responses-table tbody .response').first();
  const [status, body] = await until(`an answer to ${method} ${path}`, async () => {
    const shown = await Promise.all(['.response-col_status', '.highlight-code code'].map((part) => answer.locator(part).allInnerTexts()));
    return shown.every((texts) => texts.length) && shown.map(([text]) => text);
  });
  if (!status.startsWith('200')) throw new Error(`${method} ${path} answered ${status}: ${body}`);
  return JSON.parse(body);
};

/** Descriptions end before their example begins, in the document and in each parameter's. */
const readsWell = async (page) => {
  const words = await page.locator('.parameters .renderedMarkdown').allInnerTexts();
  const examples = words.filter((text) => text.includes('For example'));
  const bad = examples.filter((text) => !/[.!?] For example .*\.$/s.test(text.trim()));
  if (!examples.length || bad.length) throw new Error(`descriptions that don’t read well: ${JSON.stringify(bad)} of ${examples.length}`);
};

/** The answers that are errors are folded until somebody asks. */
const foldsErrors = async (opened) => {
  const rows = opened.locator('.responses-table:not(.live-responses-table) > tbody > .response:visible');
  const [good, button] = [await rows.count(), opened.getByRole('button', { name: /^Show the \d+ error answers$/ })];
  await button.click();
  const all = await rows.count();
  if (good > 2 || all < good + 5) throw new Error(`${good} answers at first, ${all} when unfolded`);
};

/** What an update would send as it stands: the id, and the body. */
const filledIn = async (opened) => [await opened.locator('tr[data-param-name=id] input').inputValue(), await opened.locator('.body-param__text').inputValue()];

/** In earnest an update is filled in with no record, in the demo with one of its deals; neither would close one. */
const closesNothing = async (page, { base, token }, { demo }) => {
  const [id, body] = await filledIn(await open(page, 'patch', ROUTE));
  const { status } = await fetch(`${base}/api/opportunities/${id}/`, { headers: { Authorization: `Bearer ${token}` } });
  if (status !== (demo ? 200 : 404)) throw new Error(`${demo ? 'in a demo' : 'in earnest'}, an update is filled in with ${id}, which is ${status}`);
  if (/stage|closed/i.test(body)) throw new Error(`an update would send ${body}`);
};

const opens = async (page, { base }, path) => {
  await page.goto(`${base}${path}`);
  await page.locator('.opblock').first().waitFor();
  if (page.url() !== `${base}/api/docs`) throw new Error(`${path} led to ${page.url()}`);
};

const steps = async (page, given) => {
  const undo = await asInEarnest(page, /\/crm\/(api\/docs)?$/);
  await page.goto(`${given.base}/`);
  await paste(page, given.token); // the pages share it
  await opens(page, given, '/api/docs');
  if (given.screenshot) await page.screenshot({ path: given.screenshot });
  const { results } = await executed(page, 'get', '/api/opportunities/');
  if (!results?.length) throw new Error('“Try it out” on the list shows no deals');
  await readsWell(page);
  await isAccessible(page, 'the documentation');
  await foldsErrors(route(page, 'get', '/api/opportunities/'));
  await onEachScreen(page, 'the documentation');
  await closesNothing(page, given, { demo: false });
  await undo();
  await page.evaluate(() => sessionStorage.clear());
  await opens(page, given, '/docs');
  await authorize(page, given.token);
  const { id } = await executed(page, 'get', ROUTE);
  if (!id) throw new Error('“Try it out” on one deal shows none');
  await closesNothing(page, given, { demo: true });
};

await main((given) => visit(given.base, (page) => steps(page, given)));
