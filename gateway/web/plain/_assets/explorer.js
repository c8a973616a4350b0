// The explorer where nothing was built: the last GraphiQL with a self-contained script, from the CDN.
import { showBar } from './bar.js';
import { filled, linked } from './explorer-state.js';
import { config, createFetcher, needs, token } from './session.js';

needs('GraphiQL', 'React', 'ReactDOM', 'graphqlWs');

const { GraphiQL, React, ReactDOM, graphqlWs } = window;
const fetcher = createFetcher(GraphiQL.createFetcher, graphqlWs.createClient);
const root = ReactDOM.createRoot(document.getElementById('page'));
let opened = 0;

/** Shows GraphiQL anew; it opens the document in a tab of its own, beside those that it remembers. */
const open = (example) => {
  const { document: query, variables } = example ?? {};
  root.render(
    React.createElement(GraphiQL, {
      key: (opened += 1),
      fetcher,
      query,
      variables,
      defaultQuery: config.examples[0]?.document,
      schema: token() ? undefined : null,
      visiblePlugin: 'Documentation Explorer',
      defaultEditorToolsVisibility: true,
    }),
  );
};

showBar({
  title: 'GraphQL explorer',
  link: { href: '/api/docs', text: 'REST API' },
  examples: config.examples,
  onExample: async (example) => open(await filled(example)),
  onToken: () => open(),
});
open(linked());
addEventListener('hashchange', () => {
  const asked = linked();
  if (asked) open(asked);
});
