// What the scripts share: a Chromium that reaches one server only, and remembers everything that went wrong on the page.
import { stripVTControlCharacters } from 'node:util';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { below } from './proxy.mjs';

export const PATIENCE = 20_000;
/** The screens that the pages are for. */
export const SIZES = [[390, 844], [1280, 800], [1920, 1080]];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Runs `steps(page)`, then fails on any request to another host, any console error that isn't `expected`, and any exception of the page. */
export const visit = async (base, steps, { expected = /^$/ } = {}) => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  const faults = [];
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    const page = await context.newPage();
    await keepInside(context, new URL(base).host, faults);
    page.on('console', (message) => message.type() === 'error' && !expected.test(message.text()) && faults.push(`console: ${message.text()} (${message.location().url})`));
    page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
    page.setDefaultTimeout(PATIENCE);
    await steps(page).catch(async (error) => faults.unshift(`${error.message}\n--- the page then showed:\n${await shown(page)}`));
  } finally {
    await browser.close();
  }
  const told = [...new Set(faults)].slice(0, 10);
  if (told.length) throw new Error(`${faults.length} fault(s) on ${base}; the first of them:\n${told.join('\n')}`);
};

const keepInside = async (context, host, faults) => {
  const foreign = (url) => url.host !== host;
  const refuse = (url) => faults.push(`a request to another host: ${url}`);
  await context.route(foreign, (route) => {
    refuse(route.request().url());
    return route.abort();
  });
  await context.routeWebSocket(foreign, (socket) => {
    refuse(socket.url());
    return socket.close();
  });
};

const shown = async (page) => (await page.locator('body').innerText().catch(() => '(nothing that could be read)')).slice(0, 3_000);

/** Waits until `probe()` is truthy and gives that; says what was waited for when it never is. */
export const until = async (what, probe, patience = PATIENCE) => {
  const end = Date.now() + patience;
  let last;
  while (Date.now() < end) {
    last = await probe();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${patience / 1000} s for ${what}`);
};

/** Serves the page at `url` as outside of a demo: without the token in it. Gives what ends that. */
export const asInEarnest = async (page, url) => {
  const withoutToken = async (route) => {
    const response = await route.fetch();
    return route.fulfill({ response, body: (await response.text()).replace(/"token": "[^"]*"/, '"token": null') });
  };
  await page.route(url, withoutToken);
  return () => page.unroute(url, withoutToken);
};

/** Types a token into the bar. */
export const paste = async (page, token) => {
  const field = page.locator('#token');
  await field.fill(token);
  await field.press('Enter');
};

// Tabs of GraphiQL and routes of Swagger UI are buttons with buttons in them, which only their authors can mend.
const NOT_OURS = { 'nested-interactive': /graphiql-tab|^li$|opblock-summary-control/, 'target-size': /graphiql-tab-close/ };
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Waits until the new colours are there: some fade in. */
const settled = (page) =>
  page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    for (const animation of document.getAnimations()) if (animation.constructor.name === 'CSSTransition') animation.finish();
  });

/** Fails on what axe-core finds on the page as it is: contrast, names, what the keyboard reaches; in light and in dark. */
export const isAccessible = async (page, what, { best = false } = {}) => {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    await settled(page);
    const options = { resultTypes: ['violations'], runOnly: best ? [...RULES, 'best-practice'] : RULES };
    const { violations } = await page.evaluate((given) => window.axe.run(document, given), options);
    const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target, any, all, none }) => ({ id, target: target.join(' '), why: [...any, ...all, ...none][0]?.message })));
    const ours = found.filter(({ id, target }) => !NOT_OURS[id]?.test(target));
    if (ours.length) throw new Error(`${what} in ${colorScheme}: ${ours.length} fault(s) for axe-core, such as\n${ours.slice(0, 8).map((it) => JSON.stringify(it)).join('\n')}`);
  }
};

/** Runs `look` on each screen; nothing may be wider than it. */
export const onEachScreen = async (page, what, look = async () => {}) => {
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) throw new Error(`${what} is ${wide} px wide on a screen of ${width}`);
    await look(width, height);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
};

/**
 * The arguments of every script: base URL, token, a token of a workspace without deals, and where to put a screenshot.
 * The pages are below a prefix, of which the proxy `tells` or doesn't.
 */
export const main = async (script, { tells = false } = {}) => {
  const [direct, token, empty, screenshot] = process.argv.slice(2);
  try {
    if (!direct || !token) throw new Error('usage: node SCRIPT.mjs BASE_URL TOKEN EMPTY_TOKEN [SCREENSHOT.png]');
    await below(direct, '/crm', (base) => script({ base, token, empty, screenshot }), { tells });
    console.log('seen');
  } catch (error) {
    console.error(stripVTControlCharacters(error.message));
    process.exitCode = 1;
  }
};
