// What a TypeScript application writes with the client preset: documents typed by the schema, checked by the compiler in strict mode.
import assert from 'node:assert/strict';
import { print } from 'graphql';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { graphql } from './gql/gql.js';
import type { CreateOpportunityInput, OpportunityFilter } from './gql/graphql.js';

const [url = '', token = ''] = process.argv.slice(2);

const LIST = graphql(`
  query List($filter: OpportunityFilter, $orderBy: [OpportunityOrder!]) {
    opportunities(filter: $filter, orderBy: $orderBy, first: 2) {
      totalCount
      summary { totalValue winRate }
      nodes { id name value closeDate createdAt stage assignedTo { name } contacts { name } }
    }
  }
`);
const NODE = graphql(`
  query Node($id: ID!) {
    node(id: $id) {
      __typename id
      ... on Opportunity { name version stageHistory { to actor { __typename ... on User { email } ... on ApiKey { name role } } } }
    }
  }
`);
const CREATE = graphql(`
  mutation Create($input: CreateOpportunityInput!) {
    createOpportunity(input: $input) { opportunity { id name value stage probability } userErrors { code field message } }
  }
`);
const ACCOUNTS = graphql(`query Accounts { accounts(first: 1) { nodes { id } } }`);

const run = async <Result, Variables>(document: TypedDocumentNode<Result, Variables>, variables: Variables): Promise<Result> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = (await response.json()) as { data: Result; errors?: unknown };
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
};

const account = (await run(ACCOUNTS, {})).accounts.nodes[0];
assert.ok(account);
const input: CreateOpportunityInput = { name: 'Typed', accountId: account.id, value: '1234.50', stage: 'PROPOSAL' };
// A mutation is null where it ended in an error, which `run` has ruled out.
const { createOpportunity: made } = await run(CREATE, { input });
assert.ok(made);
assert.deepEqual(made.userErrors, []);
const deal = made.opportunity;
assert.ok(deal);
const [value, stage, probability]: [number | null | undefined, string, number] = [deal.value, deal.stage, deal.probability];
assert.deepEqual([value, stage, probability], [1234.5, 'PROPOSAL', 60]);

const filter: OpportunityFilter = { id: { eq: deal.id }, closeDate: { isNull: true } };
const { opportunities } = await run(LIST, { filter, orderBy: [{ field: 'NAME', direction: 'ASC' }] });
assert.equal(opportunities.totalCount, 1);
const found: string | undefined = opportunities.nodes[0]?.name;
assert.equal(found, 'Typed');

const { node } = await run(NODE, { id: deal.id });
// The compiler knows that only an Opportunity has a version here.
assert.ok(node?.__typename === 'Opportunity');
assert.equal(node.version, 1);
const actor = node.stageHistory[0]?.actor;
// Each member of a union has its own fields, and what only admins may read is nullable.
assert.ok(actor?.__typename === 'ApiKey');
const [name, role]: [string, string | null | undefined] = [actor.name, actor.role];
assert.ok(name && role === 'ADMIN');

// What the schema refuses, the compiler refuses: were it not an error, the directive would be one.
// @ts-expect-error a deal needs an account
const incomplete: CreateOpportunityInput = { name: 'No account' };
assert.ok(incomplete);
