// The start page: the caller's own pipeline as a picture and as tables, what stands in its way, the ways on, on every screen.
import { asInEarnest, isAccessible, main, onEachScreen, paste, until, visit } from './browser.mjs';

const QUERY = '{ viewer { workspace { name } } pipeline { count totalValue } stages { label } opportunities { summary { count } } }';

const graphql = async ({ base, token }) => {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  return (await (await fetch(`${base}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query: QUERY }) })).json()).data;
};

const picture = (page) => page.locator('#picture');
const says = (page, words) => until(`“${words}”`, async () => (await picture(page).innerText()).includes(words));

/** Fails unless `actual` is `expected`. */
const same = (what, actual, expected) => {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`${what}: ${JSON.stringify(actual)}, wanted ${JSON.stringify(expected)}`);
};

const cells = (page, caption, column) =>
  page.getByRole('table', { name: caption, includeHidden: true }).locator(`tbody tr > :nth-child(${column})`).allTextContents();

const showsOwnData = async (page, given) => {
  await page.locator('.chart').nth(1).waitFor();
  const { viewer, pipeline, stages } = await graphql(given);
  if (!(await page.locator('#whose').innerText()).includes(viewer.workspace.name)) throw new Error('the page doesn’t say whose data it shows');
  same('stages', await cells(page, 'Deals by stage', 1), stages.map(({ label }) => label));
  same('counts', await cells(page, 'Deals by stage', 2), pipeline.map(({ count }) => String(count)));
  const amount = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD', maximumFractionDigits: 0 });
  same('values', await cells(page, 'Deals by stage', 3), pipeline.map(({ totalValue }) => amount.format(totalValue)));
  same('months', (await cells(page, 'Deals by the month in which they close', 1)).length, 12);
  // A bar is as long as its stage is worth.
  const widths = await page.locator('.chart').first().locator('rect:is(.open, .won, .lost)').evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute('width'))));
  const [most, longest] = [Math.max(...pipeline.map(({ totalValue }) => totalValue)), Math.max(...widths)];
  same('bars', widths.map((width) => Math.round((width / longest) * 100)), pipeline.map(({ totalValue }) => Math.round((totalValue / most) * 100)));
};

/** The tables behind the pictures are reached and opened by the keyboard alone. */
const opensTables = async (page) => {
  await page.locator('#token').focus();
  for (let presses = 0; presses < 12 && !(await picture(page).locator('details[open]').count()); presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => document.activeElement.matches('summary'))) await page.keyboard.press('Enter');
  }
  await page.getByRole('table', { name: 'Deals by stage' }).waitFor({ state: 'visible' });
  await page.locator('summary').nth(1).click();
};

const fitsEachScreen = (page) =>
  onEachScreen(page, 'the start page', async (width) => {
    const room = await page.locator('figure .room').first().evaluate((it) => it.clientWidth);
    const drawn = () => page.locator('.chart').first().evaluate((it) => it.clientWidth);
    await until('pictures that fit', async () => (await drawn()) === room);
    if (room < Math.min(width, 1120) / 2 - 100) throw new Error(`pictures of ${room} px on a screen of ${width}`);
  });

/** Each link leads to something below the prefix; those to pages are followed, too. */
const leadsOn = async (page, { base }) => {
  const links = await page.locator('main a[href], #bar a[href]').evaluateAll((all) => all.map((link) => link.href));
  const paths = [...new Set(links.map((link) => new URL(link)).map(({ origin, pathname }) => origin + pathname))];
  const expected = ['', 'graphql', 'api/docs', 'api/openapi.json', 'graphql/schema.graphql', 'readyz'].map((path) => `${base}/${path}`);
  same('links', paths.toSorted(), expected.toSorted());
  const commands = (await page.locator('pre code').allTextContents()).join('\n');
  if (!commands.includes(`curl ${base}/graphql `) || !commands.includes(`curl "${base}/api/opportunities/?`)) throw new Error(`commands that lead elsewhere:\n${commands}`);
  await until('the gateway’s health', async () => (await page.locator('#health').innerText()) === 'The gateway is ready.');
};

/** No token, a wrong one, a workspace without deals, a gateway that is away and comes back: each is said, with what to do. */
const saysWhatStandsInTheWay = async (page, { base, token, empty }) => {
  const undo = await asInEarnest(page, `${base}/`);
  await page.goto(`${base}/`);
  await says(page, 'Paste a token, from gateway token create');
  await isAccessible(page, 'the start page without a token', { best: true });
  await paste(page, 'wrong');
  await says(page, 'The token is not accepted');
  await isAccessible(page, 'the start page with a wrong token', { best: true });
  await paste(page, empty);
  await says(page, 'No deals yet');
  await page.route(`${base}/graphql`, (route) => route.abort());
  await paste(page, token);
  await says(page, 'It cannot be reached.');
  await page.unroute(`${base}/graphql`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.chart').first().waitFor();
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie);
  if (kept.includes(token)) throw new Error('the token outlives the tab');
  await undo();
};

/** Down to the end of the pictures. */
const keep = async (page, path) => {
  const { y, height } = await page.locator('.pair').first().boundingBox();
  await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, width: 1280, height: Math.ceil(y + height + 24) } });
};

const steps = async (page, given) => {
  await page.goto(`${given.base}/`);
  await showsOwnData(page, given);
  await leadsOn(page, given);
  await fitsEachScreen(page);
  if (given.screenshot) await keep(page, given.screenshot);
  await opensTables(page);
  await isAccessible(page, 'the start page', { best: true });
  await saysWhatStandsInTheWay(page, given);
};

// Chromium logs what is refused or doesn't get through, and some is on purpose.
await main((given) => visit(given.base, (page) => steps(page, given), { expected: /status of 401|ERR_FAILED/ }));
