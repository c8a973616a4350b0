// The artifacts that Relay's compiler made, run by Relay's runtime: records normalised by id, a connection's pages, a record fetched again through `node`.
import assert from 'node:assert/strict';
import runtime from 'relay-runtime';
import { ask, authorization, createDeal, endpoint, main } from './gateway.mjs';

const { Environment, Network, RecordSource, Store, commitMutation, createOperationDescriptor, fetchQuery, getRequest } = runtime;
const artifact = async (name) => (await import(`./generated/relay/src/__generated__/${name}.graphql.js`)).default;

const post = async ({ text }, variables) => {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json', Authorization: authorization };
  const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) });
  const answer = await response.json();
  assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
  return answer;
};
const environment = new Environment({ network: Network.create(post), store: new Store(new RecordSource()) });
const load = async (name, variables) => {
  const query = await artifact(name);
  await fetchQuery(environment, query, variables).toPromise();
  const operation = createOperationDescriptor(getRequest(query), variables);
  environment.retain(operation);
  return environment.lookup(operation.fragment).data;
};
const record = (id) => environment.getStore().getSource().get(id);
const connection = () => record('client:root:__Deals_opportunities_connection');
const nodes = () => connection().edges.__refs.map((edge) => record(record(edge).node.__ref));
const id = await createDeal('Relay');

await main({
  'a query with a connection fills the store': async () => {
    await load('DealsQuery', {});
    const { opportunities } = await ask('{ opportunities(first: 3) { nodes { id name } } }');
    assert.deepEqual(nodes().map(({ id, name }) => ({ id, name })), opportunities.nodes);
  },
  'the next page is added to the connection': async () => {
    const { endCursor } = record(connection().pageInfo.__ref);
    await load('DealsPaginationQuery', { first: 3, after: endCursor });
    const { opportunities } = await ask('{ opportunities(first: 6) { nodes { id } } }');
    assert.deepEqual(nodes().map(({ id }) => id), opportunities.nodes.map((node) => node.id));
  },
  'a record is fetched again by its id': async () => {
    await load('DealsCardRefetchQuery', { id });
    assert.equal(record(id).name, 'Relay');
  },
  'a connection in a record is paged by its id': async () => {
    const { accounts } = await ask('{ accounts(first: 1) { nodes { id } } }');
    await load('DealsAccountPaginationQuery', { id: accounts.nodes[0].id, first: 2 });
  },
  'a mutation changes the record in the store': async () => {
    const mutation = await artifact('DealsRenameMutation');
    await new Promise((onCompleted, onError) =>
      commitMutation(environment, { mutation, variables: { id, name: 'Relay, renamed' }, onCompleted, onError }));
    assert.equal(record(id).name, 'Relay, renamed');
  },
  'a deletion takes the edge out of the connection': async () => {
    assert.ok(nodes().some((node) => node.id === id));
    const mutation = await artifact('DealsDeleteMutation');
    const connections = ['client:root:__Deals_opportunities_connection'];
    await new Promise((onCompleted, onError) =>
      commitMutation(environment, { mutation, variables: { id, connections }, onCompleted, onError }));
    assert.ok(nodes().every((node) => node.id !== id));
  },
});
