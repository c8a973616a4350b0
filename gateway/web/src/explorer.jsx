import { DOC_EXPLORER_PLUGIN, DocExplorerStore, useDocExplorerActions } from '@graphiql/plugin-doc-explorer';
import { HISTORY_PLUGIN, HistoryStore } from '@graphiql/plugin-history';
import { GraphiQLProvider, useGraphiQL } from '@graphiql/react';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQLInterface } from 'graphiql';
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import { createClient } from 'graphql-ws';
import { useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import '../plain/_assets/bar.css';
import { showBar } from '../plain/_assets/bar.js';
import { filled, linked } from '../plain/_assets/explorer-state.js';
import '../plain/_assets/explorer.css';
import { config, createFetcher, token } from '../plain/_assets/session.js';

const FONT_SIZE = 14;
const EDITOR_FLEX = 'graphiql:editorFlex'; // where GraphiQL keeps how wide the operation is beside its answer
const PLUGINS = [DOC_EXPLORER_PLUGIN, HISTORY_PLUGIN];
const link = linked();
const [welcome] = config.examples;

// The toolbar takes some of the operation's half, and answers are wrapped where operations are not.
if (!localStorage.getItem(EDITOR_FLEX)) localStorage.setItem(EDITOR_FLEX, '1.1');

let graphiql; // GraphiQL's own state, for what stands outside of it: the bar and the address
let wantedOperation = link?.operationName;

/** Opens a document in the tab that has it already, else in a new one. */
const open = ({ document, variables, operationName }) => {
  const { tabs, activeTabIndex, actions, queryEditor, variableEditor } = graphiql ?? {};
  if (!queryEditor || !variableEditor) return;
  wantedOperation = operationName;
  const same = tabs.findIndex((tab) => tab.query === document && (tab.variables ?? '') === variables);
  if (same === activeTabIndex) return;
  if (same >= 0) return actions.changeTab(same);
  actions.addTab();
  queryEditor.setValue(document);
  variableEditor.setValue(variables);
};

const Inside = () => {
  graphiql = useGraphiQL((state) => state);
  const { schema, queryEditor, variableEditor, headerEditor, responseEditor } = graphiql;
  const docs = useDocExplorerActions();
  useEffect(() => {
    for (const editor of [queryEditor, variableEditor, headerEditor, responseEditor]) editor?.updateOptions({ fontSize: FONT_SIZE });
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);
  useEffect(() => {
    if (schema) docs.push({ name: 'Query', def: schema.getQueryType() });
  }, [schema]);
  useEffect(() => {
    if (!wantedOperation || !graphiql.operations?.some(({ name }) => name?.value === wantedOperation)) return;
    graphiql.actions.setOperationName(wantedOperation);
    wantedOperation = undefined;
  }, [graphiql.operations]);
  return null;
};

const Explorer = ({ fetcher }) => (
  <GraphiQLProvider
    fetcher={fetcher}
    plugins={PLUGINS}
    referencePlugin={DOC_EXPLORER_PLUGIN}
    visiblePlugin={DOC_EXPLORER_PLUGIN}
    defaultTabs={[{ query: (link ?? welcome)?.document, variables: (link ?? welcome)?.variables }]}
    initialQuery={link?.document}
    initialVariables={link?.variables}
    schema={token() ? undefined : null}
    schemaDescription
  >
    <HistoryStore>
      <DocExplorerStore>
        <Inside />
        <GraphiQLInterface defaultEditorToolsVisibility="variables" showPersistHeadersSettings={false} />
      </DocExplorerStore>
    </HistoryStore>
  </GraphiQLProvider>
);

const root = createRoot(document.getElementById('page'));
/** A new fetcher has GraphiQL ask for the schema again, as whoever the token says; without one there is nothing to ask. */
const render = () => root.render(<Explorer fetcher={createFetcher(createGraphiQLFetcher, createClient)} />);

showBar({
  title: 'GraphQL explorer',
  link: { href: '/api/docs', text: 'REST API' },
  examples: config.examples,
  onExample: async (example) => open(await filled(example)),
  onToken: render,
});
render();
addEventListener('hashchange', () => {
  const asked = linked();
  if (asked) open(asked);
});
