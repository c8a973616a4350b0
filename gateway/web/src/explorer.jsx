import { DOC_EXPLORER_PLUGIN, DocExplorerStore, useDocExplorerActions } from '@graphiql/plugin-doc-explorer';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import '@graphiql/plugin-explorer/style.css';
import { HISTORY_PLUGIN, HistoryStore } from '@graphiql/plugin-history';
import { GraphiQLProvider, useGraphiQL, useMonaco } from '@graphiql/react';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQLInterface } from 'graphiql';
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import { createClient } from 'graphql-ws';
import { useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';
import '../plain/_assets/bar.css';
import { NO_TOKEN, showBar } from '../plain/_assets/bar.js';
import { followed, showEvents, stopAll, TITLE, turnedTo } from '../plain/_assets/events.js';
import { filled, linked, openEvents, PHONE, showOperation } from '../plain/_assets/explorer-state.js';
import '../plain/_assets/explorer.css';
import { namesControls } from '../plain/_assets/names.js';
import { config, createFetcher, token } from '../plain/_assets/session.js';

const FONT_SIZE = 14;
const EDITOR_FLEX = 'graphiql:editorFlex'; // where GraphiQL keeps how wide the operation is beside its answer
const FETCH_FAILED = 'The schema can’t be read: the token is not accepted, or the gateway is away.';
/** GraphiQL's colours of code, with those that can't be read mended (WCAG 2.1, 1.4.3). */
const theme = (base, ground, focusBorder, lineNumbers, rules) => {
  const clear = { 'editor.background': '#ffffff00', 'scrollbar.shadow': '#ffffff00' };
  const popups = { 'editorHoverWidget.background': ground, 'editorSuggestWidget.background': ground, 'editorWidget.background': ground };
  const numbers = { 'editorLineNumber.foreground': lineNumbers, 'editorLineNumber.dimmedForeground': lineNumbers };
  return { base, inherit: true, colors: { ...clear, ...popups, ...numbers, focusBorder }, rules: Object.entries(rules).map(([token, foreground]) => ({ token, foreground })) };
};
const THEMES = {
  'graphiql-DARK': theme('vs-dark', '#212a3b', '#ff5794', '#98a2b6', { 'argument.identifier.gql': '#a5a0ff', comment: '#8fba7a' }),
  'graphiql-LIGHT': theme('vs', '#ffffff', '#d60590', '#237893', { 'argument.identifier.gql': '#6c69ce', number: '#067347' }),
};
const link = linked();
const [welcome] = config.examples;

// The toolbar takes some of the operation's half, and answers are wrapped where operations are not.
if (!localStorage.getItem(EDITOR_FLEX)) localStorage.setItem(EDITOR_FLEX, '1.1');

let graphiql; // GraphiQL's own state, for what stands outside of it: the bar and the address
let wantedOperation = link?.operationName;

/** A plugin that needs the schema, or what to do where there is none. */
const withSchema = (plugin, title = plugin.title) => {
  const Content = plugin.content;
  const Shown = () => {
    const { fetchError: failed, isIntrospecting } = useGraphiQL((state) => state);
    const room = useRef(null);
    const there = Boolean(token()) && !failed;
    useEffect(() => (there ? namesControls(room.current, '[data-arg-name], .graphiql-explorer-node') : undefined), [there, isIntrospecting]);
    if (there) return <div ref={room}><Content /></div>;
    return <p className="instead">{token() ? FETCH_FAILED : `${NO_TOKEN}, at the top of this page: the schema is shown here.`}</p>;
  };
  return { ...plugin, title, content: Shown };
};

const EventsIcon = (props) => (
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" height="1em" {...props}>
    <path d="M2 12h4l3-8 5 16 3-8h5" />
  </svg>
);

const EventsPanel = () => {
  const room = useRef(null);
  useEffect(() => showEvents(room.current), []);
  return <div className="events" ref={room} />;
};

const DOCS = withSchema(DOC_EXPLORER_PLUGIN);
const BUILDER = withSchema(explorerPlugin({ showAttribution: false, title: 'Query builder' }), 'Query builder');
const EVENTS = { title: TITLE, icon: EventsIcon, content: EventsPanel };
const PLUGINS = [DOCS, BUILDER, EVENTS, HISTORY_PLUGIN];

let early; // what was to be opened before the editors were there

/** Opens a document in the tab that has it already, else in a new one. */
const open = (asked) => {
  const { document, variables, operationName } = asked;
  const { tabs, activeTabIndex, actions, queryEditor, variableEditor } = graphiql ?? {};
  early = queryEditor && variableEditor ? undefined : asked;
  if (early) return;
  wantedOperation = operationName;
  showOperation();
  const same = tabs.findIndex((tab) => tab.query === document && (tab.variables ?? '') === variables);
  if (same === activeTabIndex) return;
  if (same >= 0) return actions.changeTab(same);
  actions.addTab();
  queryEditor.setValue(document);
  variableEditor.setValue(variables);
};

const Inside = () => {
  graphiql = useGraphiQL((state) => state);
  const { schema, queryEditor, variableEditor, headerEditor, responseEditor, tabs, activeTabIndex } = graphiql;
  const docs = useDocExplorerActions();
  const monaco = useMonaco((state) => state.monaco);
  useEffect(() => {
    if (!monaco) return undefined;
    for (const [name, colours] of Object.entries(THEMES)) monaco.editor.defineTheme(name, colours);
    const system = matchMedia('(prefers-color-scheme: dark)');
    // GraphiQL's editors look at the system's theme once; a theme that was chosen in its settings stays.
    const follow = () => graphiql.theme || monaco.editor.setTheme(system.matches ? 'graphiql-DARK' : 'graphiql-LIGHT');
    system.addEventListener('change', follow);
    return () => system.removeEventListener('change', follow);
  }, [monaco]);
  useEffect(() => {
    for (const editor of [queryEditor, variableEditor, headerEditor, responseEditor]) editor?.updateOptions({ fontSize: FONT_SIZE });
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);
  useEffect(() => {
    if (early) open(early);
  }, [queryEditor, variableEditor]);
  useEffect(() => {
    if (schema) docs.push({ name: 'Query', def: schema.getQueryType() });
  }, [schema]);
  useEffect(() => {
    if (!wantedOperation || !graphiql.operations?.some(({ name }) => name?.value === wantedOperation)) return;
    graphiql.actions.setOperationName(wantedOperation);
    wantedOperation = undefined;
  }, [graphiql.operations]);
  useEffect(() => {
    document.querySelector('.graphiql-tab-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [activeTabIndex, tabs.length, tabs[activeTabIndex]?.title]);
  return null;
};

const Explorer = ({ fetcher }) => (
  <GraphiQLProvider
    fetcher={fetcher}
    plugins={PLUGINS}
    referencePlugin={DOCS}
    visiblePlugin={PHONE ? undefined : DOCS}
    defaultTabs={[{ query: (link ?? welcome)?.document, variables: (link ?? welcome)?.variables }]}
    initialQuery={link?.document}
    initialVariables={link?.variables}
    onTabChange={({ tabs, activeTabIndex }) => turnedTo(tabs[activeTabIndex]?.id)}
    schema={token() ? undefined : null}
    schemaDescription
  >
    <HistoryStore>
      <DocExplorerStore>
        <Inside />
        <GraphiQLInterface defaultEditorToolsVisibility={PHONE ? false : 'variables'} showPersistHeadersSettings={false} />
      </DocExplorerStore>
    </HistoryStore>
  </GraphiQLProvider>
);

const root = createRoot(document.getElementById('page'));
/** A new fetcher has GraphiQL ask for the schema again, as whoever the token says; without one there is nothing to ask. */
const render = () => {
  stopAll();
  root.render(<Explorer fetcher={followed(createFetcher(createGraphiQLFetcher, createClient), openEvents)} />);
};

showBar({
  page: 'explorer',
  title: 'GraphQL explorer',
  examples: config.examples,
  onExample: async (example) => open(await filled(example)),
  onToken: render,
});
render();
addEventListener('hashchange', () => {
  const asked = linked();
  if (asked) open(asked);
});
