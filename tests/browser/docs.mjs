// The REST documentation: it loads, takes a token, and “Try it out” on the list answers 200.
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

const list = async (page) => {
  const route = page.locator('.opblock-get').filter({ has: page.locator('[data-path="/api/opportunities/"]') });
  await route.locator('.opblock-summary-control').first().click();
  await route.getByRole('button', { name: 'Execute' }).click();
  const status = route.locator('.live-responses-table tbody .response-col_status').first();
  return until('an answer to GET /api/opportunities/', async () => (await status.count()) && status.innerText());
};

await main(({ base, token, screenshot }) =>
  visit(base, async (page) => {
    await page.goto(`${base}/api/docs`);
    await page.locator('.opblock').first().waitFor();
    await authorize(page, token);
    const status = await list(page);
    if (screenshot) await page.screenshot({ path: screenshot });
    if (!status.startsWith('200')) throw new Error(`GET /api/opportunities/ answered ${status}`);
  }),
);
