// The explorer where nothing was built: the last GraphiQL with a self-contained script, from the CDN.
import { showBar } from './bar.js';
import { followed, showEvents, stopAll, TITLE, turnedTo } from './events.js';
import { filled, linked, openEvents, PHONE } from './explorer-state.js';
import { config, createFetcher, needs, token } from './session.js';

needs('GraphiQL', 'React', 'ReactDOM', 'graphqlWs', 'GraphiQLPluginExplorer');

const { GraphiQL, GraphiQLPluginExplorer, React, ReactDOM, graphqlWs } = window;
const fetcher = followed(createFetcher(GraphiQL.createFetcher, graphqlWs.createClient), openEvents);
const root = ReactDOM.createRoot(document.getElementById('page'));
let opened = 0;

const EventsIcon = () =>
  React.createElement('svg', { viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', strokeWidth: 1.5 }, React.createElement('path', { d: 'M2 12h4l3-8 5 16 3-8h5' }));

const EventsPanel = () => {
  const room = React.useRef(null);
  React.useEffect(() => showEvents(room.current), []);
  return React.createElement('div', { className: 'events', ref: room });
};

const PLUGINS = [
  { ...GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false, title: 'Query builder' }), title: 'Query builder' },
  { title: TITLE, icon: EventsIcon, content: EventsPanel },
];

/** Shows GraphiQL anew; it opens the document in a tab of its own, beside those that it remembers. */
const open = (example) => {
  const { document: query, variables } = example ?? {};
  document.body.classList.toggle('no-token', !token());
  root.render(
    React.createElement(GraphiQL, {
      key: (opened += 1),
      fetcher,
      query,
      variables,
      plugins: PLUGINS,
      defaultQuery: config.examples[0]?.document,
      schema: token() ? undefined : null,
      onTabChange: ({ tabs, activeTabIndex }) => turnedTo(tabs[activeTabIndex]?.id),
      visiblePlugin: PHONE ? undefined : 'Documentation Explorer',
      defaultEditorToolsVisibility: !PHONE,
    }),
  );
};

showBar({
  page: 'explorer',
  title: 'GraphQL explorer',
  examples: config.examples,
  onExample: async (example) => open(await filled(example)),
  onToken: () => {
    stopAll();
    open();
  },
});
open(linked());
addEventListener('hashchange', () => {
  const asked = linked();
  if (asked) open(asked);
});
