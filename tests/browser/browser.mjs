// What the scripts share: a Chromium that reaches one server only, and remembers everything that went wrong on the page.
import { stripVTControlCharacters } from 'node:util';
import { chromium } from 'playwright-core';

export const PATIENCE = 20_000;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Runs `steps(page)`, then fails on any request to another host, any console error that isn't `expected`, and any exception of the page. */
export const visit = async (base, steps, { expected = /^$/ } = {}) => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  const faults = [];
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, colorScheme: 'light' });
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

const shown = (page) => page.locator('body').innerText().catch(() => '(nothing that could be read)');

/** Waits until `probe()` is truthy and gives that; says what was waited for when it never is. */
export const until = async (what, probe, patience = PATIENCE) => {
  const end = Date.now() + patience;
  let last;
  while (Date.now() < end) {
    last = await probe();
    if (last) return last;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${patience / 1000} s for ${what}`);
};

/** The arguments of every script: base URL, token, and where to put a screenshot (optional). */
export const main = async (script) => {
  const [base, token, screenshot] = process.argv.slice(2);
  try {
    if (!base || !token) throw new Error('usage: node SCRIPT.mjs BASE_URL TOKEN [SCREENSHOT.png]');
    await script({ base: base.replace(/\/$/, ''), token, screenshot });
    console.log('seen');
  } catch (error) {
    console.error(stripVTControlCharacters(error.message));
    process.exitCode = 1;
  }
};
