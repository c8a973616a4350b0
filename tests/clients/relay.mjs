// The artifacts that Relay's compiler made, run by Relay's runtime over the real server: what its store holds after queries, pages,
// refetches, mutations without updaters, and events.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import runtime from 'relay-runtime';
import WebSocket from 'ws';
import { ask, authorization, createDeal, endpoint, main, rename, socket, until } from './gateway.mjs';

const { Environment, Network, Observable, RecordSource, Store, commitMutation, createOperationDescriptor, fetchQuery, getRequest } = runtime;
const { getSelector, requestSubscription } = runtime;
const artifact = async (name) => (await import(`./generated/relay/src/__generated__/${name}.graphql.js`)).default;

const post = async ({ text }, variables) => {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json', Authorization: authorization };
  const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) });
  const answer = await response.json();
  assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
  return answer;
};
const connections = createClient({ url: socket, webSocketImpl: WebSocket, connectionParams: { Authorization: authorization } });
const follow = ({ text, name }, variables) =>
  Observable.create((sink) => connections.subscribe({ query: text, operationName: name, variables }, sink));

// Relay says on the console where two types share an id, or a record lacks what a fragment reads; that is a fault here.
const complaints = [];
for (const level of ['error', 'warn']) {
  const say = console[level];
  console[level] = (...said) => {
    complaints.push(said.join(' '));
    say(...said);
  };
}

const environment = new Environment({ network: Network.create(post, follow), store: new Store(new RecordSource()) });
const load = async (name, variables) => {
  const query = await artifact(name);
  await fetchQuery(environment, query, variables).toPromise();
  const operation = createOperationDescriptor(getRequest(query), variables);
  environment.retain(operation);
  return environment.lookup(operation.fragment);
};
const commit = async (name, variables) => {
  const mutation = await artifact(name);
  return new Promise((onCompleted, onError) => commitMutation(environment, { mutation, variables, onCompleted, onError }));
};

const LIST = 'client:root:__Deals_opportunities_connection';
const record = (id) => environment.getStore().getSource().get(id);
const nodes = (connection) => record(connection).edges.__refs.map((edge) => record(record(edge).node.__ref));
const page = (connection) => record(record(connection).pageInfo.__ref);
const ids = async (query, variables) => (await ask(query, variables)).opportunities.nodes.map((node) => node.id);

const TYPES = { opp: 'Opportunity', acc: 'Account', cnt: 'Contact', usr: 'User', ws: 'Workspace', key: 'ApiKey' };
/** Each record is kept by its own id, under the type that its id is of; everything else has an id of Relay's. */
const isSound = () => {
  for (const key of environment.getStore().getSource().getRecordIDs()) {
    const found = record(key);
    if (!found || key.startsWith('client:')) continue;
    assert.equal(found.id, key);
    assert.equal(found.__typename, TYPES[key.split('_')[0]], `${key} is kept as ${found.__typename}`);
  }
  assert.deepEqual(complaints, []);
};

/** What a component that shows the deal's card is given, now and at each change of it. */
const watchCard = async (card) => {
  const fragment = await artifact('Deals_card');
  const seen = [environment.lookup(getSelector(fragment, card))];
  environment.subscribe(seen[0], (snapshot) => seen.push(snapshot));
  return () => seen.at(-1).data;
};
/** Where the fragment of a card is to be read: in what a refetch of it answers. */
const cardOf = async (id) => (await load('DealsCardRefetchQuery', { id })).data.node;

const id = await createDeal('Relay');
let card;

await main({
  'a query with a connection fills the store': async () => {
    await load('DealsQuery', {});
    const { opportunities } = await ask('{ opportunities(first: 3) { nodes { id name } } }');
    assert.deepEqual(nodes(LIST).map(({ id, name }) => ({ id, name })), opportunities.nodes);
    isSound();
  },
  'the next pages are added to the connection, without gap or repeat': async () => {
    for (const pages of [2, 3]) {
      await load('DealsPaginationQuery', { first: 3, after: page(LIST).endCursor });
      const expected = await ids('query ($first: Int!) { opportunities(first: $first) { nodes { id } } }', { first: 3 * pages });
      assert.deepEqual(nodes(LIST).map((node) => node.id), expected);
    }
    assert.equal(page(LIST).hasNextPage, true);
    isSound();
  },
  'a refetch with another filter fills a connection of its own': async () => {
    const filter = { stage: { eq: 'CLOSED_WON' } };
    await load('DealsPaginationQuery', { first: 3, filter });
    const won = `client:root:__Deals_opportunities_connection(filter:${JSON.stringify(filter)})`;
    const expected = await ids('{ opportunities(first: 3, filter: { stage: { eq: CLOSED_WON } }) { nodes { id } } }');
    assert.deepEqual(nodes(won).map((node) => node.id), expected);
    assert.equal(nodes(LIST).length, 9);
    isSound();
  },
  'a record is fetched again by its id': async () => {
    card = await watchCard(await cardOf(id));
    assert.equal(card().name, 'Relay');
    assert.equal(record(id).name, 'Relay');
    await rename(id, 'Relay, elsewhere');
    assert.equal(card().name, 'Relay');
    await load('DealsCardRefetchQuery', { id });
    assert.equal(card().name, 'Relay, elsewhere');
    isSound();
  },
  'the actor of a stage change is a record of its own type': async () => {
    const [change] = record(id).stageHistory.__refs.map(record);
    const actor = record(change.actor.__ref);
    const { apiKeys } = await ask('{ apiKeys { id name role } }');
    assert.deepEqual({ id: actor.id, name: actor.name, role: actor.role }, apiKeys.find((key) => key.id === actor.id));
  },
  'a connection in a record is paged by its id': async () => {
    const { accounts } = await ask('{ accounts(first: 1) { nodes { id } } }');
    await load('DealsAccountPaginationQuery', { id: accounts.nodes[0].id, first: 2 });
    isSound();
  },
  'a mutation without an updater changes the record, and whoever shows it': async () => {
    await commit('DealsRenameMutation', { id, name: 'Relay, renamed' });
    assert.equal(record(id).name, 'Relay, renamed');
    assert.equal(card().name, 'Relay, renamed');
    await commit('DealsMoveMutation', { id, stage: 'PROPOSAL' });
    assert.equal(record(id).probability, 60);
    assert.deepEqual([card().stage, card().stageHistory.map(({ to }) => to)], ['PROPOSAL', ['PROSPECTING', 'PROPOSAL']]);
    isSound();
  },
  'a rejected mutation leaves the record as it is': async () => {
    const before = structuredClone(record(id));
    const { updateOpportunity } = await commit('DealsRenameMutation', { id, name: ' ' });
    assert.deepEqual(updateOpportunity.userErrors.map(({ code, field }) => ({ code, field })), [{ code: 'VALIDATION_ERROR', field: ['name'] }]);
    assert.deepEqual(record(id), before);
    isSound();
  },
  'an event changes the record, and is not taken for it': async () => {
    const before = structuredClone(record(id));
    const subscription = await artifact('DealsChangedSubscription');
    const variables = { filter: { id: { eq: id } } };
    let watching;
    const seen = new Promise((onNext, onError) => {
      watching = requestSubscription(environment, { subscription, variables, onNext, onError });
    });
    const { opportunityChanged: event } = await until('event', seen, (turn) => rename(id, `Relay, told ${turn}`));
    watching.dispose();
    assert.deepEqual([event.type, event.opportunityId, event.changedFields], ['UPDATED', id, ['name']]);
    assert.equal(record(id).__typename, 'Opportunity');
    assert.match(record(id).name, /^Relay, told /);
    assert.equal(card().name, record(id).name);
    // All else of the deal is as before: nothing of the event is in it, nothing of it was lost.
    assert.deepEqual({ ...record(id), name: before.name }, before);
    const events = environment.getStore().getSource().getRecordIDs().filter((key) => record(key)?.__typename === 'OpportunityEvent');
    assert.equal(events.length, 1);
    assert.equal(record(events[0]).opportunity.__ref, id);
    isSound();
  },
  'a deletion takes the edge out of the connection': async () => {
    assert.ok(nodes(LIST).some((node) => node.id === id));
    await commit('DealsDeleteMutation', { id, connections: [LIST] });
    assert.ok(nodes(LIST).every((node) => node.id !== id));
    isSound();
  },
});
