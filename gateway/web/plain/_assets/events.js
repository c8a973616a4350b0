// What subscriptions told: GraphiQL shows the last event only and ends a subscription with its tab. Here each event is kept, and
// a subscription goes on while its reader works in other tabs.
import { element } from './elements.js';

export const TITLE = 'Events';

const MOST_FEEDS = 5; // subscriptions shown, running or ended
const MOST_EVENTS = 200; // kept of one subscription
const MOST_CHARACTERS = 500_000; // kept of one subscription, as JSON

const feeds = []; // the newest first
const watchers = new Set();
let tab; // GraphiQL's active tab

let drawing = false;

/** Has the watchers draw once a frame at most, however fast events come. */
const changed = () => {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    watchers.forEach((watcher) => watcher());
  });
};

/** The iterator that GraphiQL reads: always the newest event. It ends when the subscription does, or when its tab is left. */
const relay = (onReturn) => {
  let pending, failure, wake, ended = false;
  const stir = (change) => (value) => {
    change(value);
    wake?.();
  };
  const read = async function* () {
    for (;;) {
      if (pending) yield [pending, (pending = undefined)][0];
      else if (failure) throw failure;
      else if (ended) return;
      else await new Promise((resolve) => (wake = resolve));
    }
  };
  const reading = read();
  const end = stir(() => (ended = true));
  return {
    push: stir((result) => (pending = result)),
    fail: stir((error) => (failure = error)),
    end,
    next: () => reading.next(),
    return: async () => {
      end();
      onReturn();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};

const keep = (feed, result) => {
  const text = JSON.stringify(result, null, 2);
  feed.events.unshift({ result, text, at: new Date() });
  feed.characters += text.length;
  while (feed.events.length > MOST_EVENTS || (feed.characters > MOST_CHARACTERS && feed.events.length > 1)) {
    feed.characters -= feed.events.pop().text.length;
    feed.dropped += 1;
  }
  feed.shown.push(result);
  changed();
};

const follow = async (feed, source) => {
  try {
    for await (const result of source) keep(feed, result);
  } catch (error) {
    feed.shown.fail(error);
    feed.why = error?.reason ?? error?.message ?? 'The connection was lost.';
  }
  feed.running = false;
  feed.shown.end();
  changed();
};

/** Follows `source` on its own and gives what GraphiQL is to read of it. */
const started = (name, source) => {
  const feed = { name, tab, running: true, events: [], characters: 0, dropped: 0, why: '' };
  feed.stop = () => source.return?.();
  // GraphiQL also returns when its tab is left, and has then not said yet to which.
  feed.shown = relay(() => setTimeout(() => feed.tab === tab && feed.stop()));
  const same = feeds.findIndex((other) => other.tab === tab && other.name === name);
  if (same >= 0) feeds.splice(same, 1)[0].stop();
  feeds.unshift(feed);
  feeds.splice(MOST_FEEDS).forEach((oldest) => oldest.stop());
  follow(feed, source);
  changed();
  return feed.shown;
};

/** `fetcher`, whose subscriptions are followed here; `onStart` is called for each of them. */
export const followed = (fetcher, onStart) => async (params, options) => {
  const answer = await fetcher(params, options);
  if (!answer?.[Symbol.asyncIterator]) return answer;
  onStart();
  return started(params.operationName ?? 'Subscription', answer[Symbol.asyncIterator]());
};

/** To be told of the id of GraphiQL's active tab: events don't show up in another one's answer. */
export const turnedTo = (id) => {
  tab = id;
  feeds.filter((feed) => feed.tab !== id).forEach((feed) => feed.shown.end());
};

/** Ends all subscriptions: they were somebody else's. */
export const stopAll = () => feeds.splice(0).forEach((feed) => feed.stop());

/** [what happened, to which record, more] of an event as this graph tells it, else of any. */
const summary = ({ result, text }) => {
  const [event] = Object.values(result.data ?? {});
  if (result.errors) return ['ERROR', result.errors[0]?.message ?? '', ''];
  if (!event?.type) return ['', text.replace(/\s+/g, ' ').slice(0, 80), ''];
  return [event.type, event.opportunity?.name ?? event.opportunityId ?? '', (event.changedFields ?? []).join(', ')];
};

const item = (event) => {
  const [kind, subject, more] = summary(event);
  const time = element('time', { dateTime: event.at.toISOString() }, event.at.toLocaleTimeString('en-GB'));
  const line = element('summary', {}, time, kind && element('b', {}, kind), element('span', {}, subject), more && element('small', {}, more));
  const details = element('details', {}, line);
  // Texts of events that nobody opens would make the page heavy.
  details.addEventListener('toggle', () => details.append(element('pre', { tabIndex: 0 }, event.text)), { once: true });
  return element('li', {}, details);
};

const count = ({ events, dropped }) => {
  const all = events.length + dropped;
  return `${all} ${all === 1 ? 'event' : 'events'}${dropped ? `, the last ${events.length} are kept` : ''}`;
};

const feedSection = (feed) => {
  const state = feed.running ? `listening, ${count(feed)}` : `ended, ${count(feed)}${feed.why && `: ${feed.why}`}`;
  const stop = element('button', { type: 'button', onclick: feed.stop }, 'Stop');
  const list = element('ol', { ariaLabel: `Events of ${feed.name}, the newest first` });
  // An item that is kept stays open where it was opened.
  list.append(...feed.events.map((event) => (event.item ??= item(event))));
  return element('section', {}, element('header', {}, element('h3', {}, feed.name), element('span', { role: 'status' }, state), feed.running && stop), list);
};

const NONE = 'Run a subscription, such as the example Watch. Each event is kept here, the newest first, and the subscription goes on while you work in other tabs.';

/** Shows the events in `room` from now on; gives what ends that. */
export const showEvents = (room) => {
  const draw = () => room.replaceChildren(element('h2', {}, TITLE), ...(feeds.length ? feeds.map(feedSection) : [element('p', {}, NONE)]));
  watchers.add(draw);
  draw();
  return () => watchers.delete(draw);
};
