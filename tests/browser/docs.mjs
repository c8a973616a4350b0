// The REST documentation: it loads, takes a token, and “Try it out” shows deals, then one of them, as it stands.
import { main, until, visit } from './browser.mjs';

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
  const route = page.locator(`.opblock-${method}`).filter({ has: page.locator(`[data-path="${path}"]`) });
  await route.locator('.opblock-summary-control').first().click();
  await route.getByRole('button', { name: 'Execute' }).click();
  const answer = route.locator('.live-responses-table tbody .response').first();
  const [status, body] = await until(`an answer to ${method} ${path}`, async () => {
    const shown = await Promise.all(['.response-col_status', '.highlight-code code'].map((part) => answer.locator(part).allInnerTexts()));
    return shown.every((texts) => texts.length) && shown.map(([text]) => text);
  });
  if (!status.startsWith('200')) throw new Error(`${method} ${path} answered ${status}: ${body}`);
  return JSON.parse(body);
};

await main(({ base, token, screenshot }) =>
  visit(base, async (page) => {
    await page.goto(`${base}/api/docs`);
    await page.locator('.opblock').first().waitFor();
    if (screenshot) await page.screenshot({ path: screenshot });
    await authorize(page, token);
    const { results } = await executed(page, 'get', '/api/opportunities/');
    if (!results?.length) throw new Error('“Try it out” on the list shows no deals');
    const { id } = await executed(page, 'get', '/api/opportunities/{id}/');
    if (!id) throw new Error('“Try it out” on one deal shows none');
  }),
);
