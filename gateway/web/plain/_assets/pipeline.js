// The start page's pipeline: the caller's own data by the public graph, or what stands in its way.
import { NO_TOKEN } from './bar.js';
import { forecastColumns, monthName, stageBars } from './chart.js';
import { element } from './elements.js';
import { ask, at, token } from './session.js';

export const QUERY = `# The start page's picture, as one query
query PipelineAndForecast($from: Date!, $to: Date!) {
  viewer { role workspace { name currency } }
  stages { stage label isClosed }
  pipeline { stage count totalValue weightedValue }
  forecast(from: $from, to: $to) {
    start
    end
    openCount
    openValue
    weightedValue
    wonCount
    wonValue
  }
  opportunities { summary { count wonCount lostCount winRate } }
}
`;
const MONTHS_BEFORE = 3;
const MONTHS_AFTER = 8;

const day = (date) => date.toISOString().slice(0, 10);

/** The months around today, in UTC as the gateway counts them. */
export const span = (today = new Date()) => {
  const [year, month] = [today.getUTCFullYear(), today.getUTCMonth()];
  return { from: day(new Date(Date.UTC(year, month - MONTHS_BEFORE, 1))), to: day(new Date(Date.UTC(year, month + MONTHS_AFTER + 1, 0))) };
};

/** Writes amounts of a currency: in full, and `short` for pictures. */
const writerOf = (currency) => {
  const form = (more) => new Intl.NumberFormat('en', { style: 'currency', currency, ...more });
  const [whole, short] = [form({ maximumFractionDigits: 0 }), form({ notation: 'compact', maximumFractionDigits: 1, minimumFractionDigits: 0 })];
  return Object.assign((value) => whole.format(value), { short: (value) => short.format(value) });
};

const row = (cells, tag = 'td') => element('tr', {}, ...cells.map((cell, index) => element(index ? tag : 'th', index ? {} : { scope: 'row' }, cell)));

const table = (caption, heads, rows) => {
  const head = element('tr', {}, ...heads.map((name) => element('th', { scope: 'col' }, name)));
  const made = element('table', {}, element('caption', {}, caption), element('thead', {}, head), element('tbody', {}, ...rows.map((cells) => row(cells))));
  const scrolled = element('div', { className: 'scrolled', tabIndex: 0, role: 'group', ariaLabel: caption }, made);
  return element('details', {}, element('summary', {}, 'As a table'), scrolled);
};

const legend = (parts) =>
  element('ul', { className: 'legend' }, ...parts.map(([kind, words]) => element('li', {}, element('span', { className: `swatch ${kind}` }), words)));

/** A figure whose picture is drawn anew whenever its width changes. */
const figure = (title, parts, draw, details) => {
  const room = element('div', { className: 'room' });
  const redraw = () => room.clientWidth && room.replaceChildren(draw(room.clientWidth));
  new ResizeObserver(redraw).observe(room);
  return element('figure', {}, element('figcaption', {}, element('h3', {}, title), legend(parts)), room, details);
};

const stagesFigure = ({ stages, pipeline }, money) => {
  const known = new Map(stages.map((stage) => [stage.stage, stage]));
  const kind = ({ stage }) => (known.get(stage)?.isClosed ? (stage === 'CLOSED_WON' ? 'won' : 'lost') : 'open');
  const rows = pipeline.map((part) => ({ ...part, label: known.get(part.stage)?.label ?? part.stage, kind: kind(part) }));
  const cells = rows.map((part) => [part.label, part.count.toLocaleString('en'), money(part.totalValue), money(part.weightedValue)]);
  const parts = [['weighted', 'open, weighted by probability'], ['open', 'open, the rest'], ['won', 'won'], ['lost', 'lost']];
  const details = table('Deals by stage', ['Stage', 'Deals', 'Value', 'Weighted'], cells);
  return figure('By stage', parts, (width) => stageBars(rows, money, width), details);
};

const forecastFigure = ({ forecast }, money) => {
  const cells = forecast.map((part) => [
    monthName(part.start), String(part.openCount), money(part.openValue), money(part.weightedValue), String(part.wonCount), money(part.wonValue),
  ]);
  const parts = [['won', 'won'], ['weighted', 'open, weighted by probability'], ['open', 'open, the rest']];
  const details = table('Deals by the month in which they close', ['Month', 'Open', 'Value', 'Weighted', 'Won', 'Value'], cells);
  return figure('Forecast by month', parts, (width) => forecastColumns(forecast, money, width, day(new Date())), details);
};

const figures = ({ stages, pipeline, opportunities: { summary } }, money) => {
  const closed = new Set(stages.filter(({ isClosed }) => isClosed).map(({ stage }) => stage));
  const open = pipeline.filter(({ stage }) => !closed.has(stage));
  const sum = (key) => open.reduce((total, part) => total + part[key], 0);
  const rate = summary.winRate == null ? 'none closed yet' : `${Math.round(summary.winRate * 100)} %`;
  const told = [
    ['Open deals', sum('count').toLocaleString('en')],
    ['Their value', money.short(sum('totalValue'))],
    ['Weighted by probability', money.short(sum('weightedValue'))],
    [`Won of ${(summary.wonCount + summary.lostCount).toLocaleString('en')} closed`, rate],
  ];
  return element('dl', { className: 'figures' }, ...told.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
};

const explorerLink = (words, fragment) => element('a', { href: `${at('graphql')}#${new URLSearchParams(fragment)}` }, words);

const state = (kind, title, ...rest) =>
  element('div', { className: `state ${kind}`, role: kind === 'wrong' ? 'alert' : null }, element('strong', {}, title), element('p', {}, ...rest));

const code = (words) => element('code', {}, words);

const signedOut = () =>
  state('quiet', 'Your own pipeline is drawn here', 'Paste a token, from ', code('gateway token create'), ', at the top of this page. ',
    element('a', { href: '#get-a-token' }, 'How to get one'));

const refused = () =>
  state('wrong', 'The token is not accepted', 'It may be revoked, expired, or not whole. Paste another one at the top of this page. ',
    element('a', { href: '#get-a-token' }, 'How to get one'));

const empty = () =>
  state('quiet', 'No deals yet', 'Make the first one ', explorerLink('in the explorer', { example: 'Create' }), ', or fill the workspace with believable ones: ',
    code('gateway seed --workspace NAME --opportunities 200'));

const away = (why, again) =>
  state('wrong', 'The gateway gives no pipeline just now', `${why} `, element('button', { type: 'button', onclick: again }, 'Try again'));

/** [whose data it is, what is shown of it], of the answer to QUERY. */
const content = ({ status, data, errors }, again) => {
  if (status === 401) return ['', refused()];
  if (!data || errors) return ['', away(errors?.[0]?.message ?? `It answered with the status ${status}.`, again)];
  const { role, workspace } = data.viewer;
  const whose = `${workspace.name}, seen as ${role.toLowerCase()}`;
  if (!data.opportunities.summary.count) return [whose, empty()];
  const money = writerOf(workspace.currency);
  const link = element('p', { className: 'source' }, 'All of this is ',
    explorerLink('one GraphQL query', { query: QUERY, variables: JSON.stringify(span()) }), '.');
  const pair = element('div', { className: 'pair' }, stagesFigure(data, money), forecastFigure(data, money));
  return [whose, element('div', {}, figures(data, money), pair, link)];
};

let turn = 0;

/** Shows the pipeline of whoever the token says; a later call wins over an earlier one whose answer comes late. */
export const showPipeline = async () => {
  const mine = (turn += 1);
  const [whose, room] = ['whose', 'picture'].map((id) => document.getElementById(id));
  const show = ([words, shown]) => {
    if (mine !== turn) return;
    whose.textContent = words;
    room.replaceChildren(shown);
    room.ariaBusy = 'false';
  };
  if (!token()) return show(['', signedOut()]);
  room.ariaBusy = 'true';
  if (!room.childElementCount) room.replaceChildren(state('quiet', 'Loading…'));
  const answer = await ask(QUERY, span()).catch(() => undefined);
  return show(answer ? content(answer, showPipeline) : ['', away('It cannot be reached.', showPipeline)]);
};
