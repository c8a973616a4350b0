// The pipeline's pictures: SVG made here from numbers, in the page's own colours (start.css), with a text for who doesn't see them.
import { drawn } from './elements.js';

const ROW = 46; // pixels that a stage takes: a line of words above its bar
const BAR = 14;
const PLOT = 268; // pixels that the highest column may take
const AXIS = 52; // pixels left of the columns, for amounts
const FOOT = 42; // pixels below them, for month and year
const TICKS = 4;

const text = (content, attributes) => drawn('text', attributes, content);
const box = (kind, x, y, width, height) => drawn('rect', { class: kind, x, y, width: Math.max(width, 0), height: Math.max(height, 0), rx: 2 });
const titled = (title, ...parts) => drawn('g', {}, drawn('title', {}, title), ...parts);
const picture = (width, height, label, ...parts) =>
  drawn('svg', { class: 'chart', role: 'img', 'aria-label': label, width, height, viewBox: `0 0 ${width} ${height}` }, ...parts);

const deals = (count) => `${count.toLocaleString('en')} ${count === 1 ? 'deal' : 'deals'}`;

/** A bar a stage: the length is its total, the dark part of it the weighted value. `stages`: {label, kind, count, totalValue, weightedValue}. */
export const stageBars = (stages, money, width) => {
  const most = Math.max(...stages.map(({ totalValue }) => totalValue), 1);
  const row = ({ label, kind, count, totalValue, weightedValue }, index) => {
    const top = index * ROW;
    const long = (value) => (value ? Math.max((value / most) * width, 2) : 0);
    const parts = kind === 'open' ? [box('open', 0, top + 22, long(totalValue), BAR), box('weighted', 0, top + 22, long(weightedValue), BAR)]
      : [box(kind, 0, top + 22, long(totalValue), BAR)];
    return titled(
      `${label}: ${deals(count)}, ${money(totalValue)}, weighted ${money(weightedValue)}`,
      box('ground', 0, top + 22, width, BAR), ...parts,
      drawn('text', { x: 0, y: top + 15 }, label, drawn('tspan', { class: 'less', dx: 8 }, deals(count))),
      text(money.short(totalValue), { x: width, y: top + 15, 'text-anchor': 'end' }),
    );
  };
  const largest = stages.reduce((one, other) => (other.totalValue > one.totalValue ? other : one), stages[0]);
  const label = `Bars: the value of the deals in each stage. The largest is ${largest.label} with ${money(largest.totalValue)}.`;
  return picture(width, stages.length * ROW, label, ...stages.map(row));
};

/** The least of 1, 2, 2.5, 5 times a power of ten by which TICKS steps reach `most`. */
const stepTo = (most) => {
  const power = 10 ** Math.floor(Math.log10(most / TICKS));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step * TICKS >= most);
};

const month = (day, form) => new Date(`${day}T00:00:00Z`).toLocaleDateString('en', { timeZone: 'UTC', ...form });
export const monthName = (day) => month(day, { month: 'long', year: 'numeric' });

const grid = (step, money, width) =>
  Array.from({ length: TICKS + 1 }, (_, tick) => {
    const y = 10 + PLOT - (tick / TICKS) * PLOT;
    const line = drawn('line', { class: 'grid', x1: AXIS, x2: width, y1: y, y2: y });
    return drawn('g', {}, line, text(money.short(tick * step), { class: 'less', x: AXIS - 8, y: y + 4, 'text-anchor': 'end' }));
  });

/** A column a month: won, and of the open deals their weighted value and the rest. `periods` are the graph's ForecastPeriods, `today` a day. */
export const forecastColumns = (periods, money, width, today) => {
  const most = Math.max(...periods.map(({ openValue, wonValue }) => openValue + wonValue), 100);
  const step = stepTo(most);
  const slot = (width - AXIS) / periods.length;
  const high = (value) => (value / (step * TICKS)) * PLOT;
  const column = (period, index) => {
    const { start, end, openCount, openValue, weightedValue, wonCount, wonValue } = period;
    const x = AXIS + index * slot + slot * 0.18;
    let floor = 10 + PLOT;
    const part = (kind, value) => box(kind, x, (floor -= high(value)), slot * 0.64, high(value));
    const now = start <= today && today <= end;
    const middle = { x: AXIS + (index + 0.5) * slot, 'text-anchor': 'middle' };
    return titled(
      `${monthName(start)}: ${deals(openCount)} open, ${money(openValue)}, weighted ${money(weightedValue)}; ${deals(wonCount)} won, ${money(wonValue)}`,
      drawn('rect', { class: now ? 'now' : 'empty', x: AXIS + index * slot, y: 10, width: slot, height: PLOT }),
      part('won', wonValue), part('weighted', weightedValue), part('open', openValue - weightedValue),
      text(month(start, { month: slot < 24 ? 'narrow' : 'short' }), { ...middle, y: PLOT + 28, class: now ? 'strong' : '' }),
      ...(index === 0 || start.slice(5, 7) === '01' ? [text(start.slice(0, 4), { ...middle, y: PLOT + 44, class: 'less' })] : []),
    );
  };
  const open = periods.reduce((sum, { openValue }) => sum + openValue, 0);
  const label = `Columns: open and won deals by the month in which they close, ${monthName(periods[0].start)} to ${monthName(periods.at(-1).start)}. Open in all ${money(open)}.`;
  return picture(width, PLOT + 10 + FOOT, label, ...grid(step, money, width), ...periods.map(column));
};
