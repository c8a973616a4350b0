// What a Relay application writes: fragments, paginated connections, refetchable records, mutations, a subscription with a union.
import { graphql } from 'relay-runtime';

graphql`
  fragment Deals_card on Opportunity @refetchable(queryName: "DealsCardRefetchQuery") {
    id
    name
    stage
    value
    account { id name }
    stageHistory { to actor { ...Deals_who } }
  }
`;

graphql`
  fragment Deals_who on Actor {
    __typename
    ... on User { id name email }
    ... on ApiKey { id name role }
  }
`;

graphql`
  fragment Deals_query on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 3 }, after: { type: "String" }, filter: { type: "OpportunityFilter" })
  @refetchable(queryName: "DealsPaginationQuery") {
    opportunities(first: $first, after: $after, filter: $filter) @connection(key: "Deals_opportunities", filters: ["filter"]) {
      edges { node { id ...Deals_card } }
    }
  }
`;

graphql`
  fragment Deals_account on Account
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
  @refetchable(queryName: "DealsAccountPaginationQuery") {
    opportunities(first: $first, after: $after) @connection(key: "DealsAccount_opportunities") {
      edges { node { ...Deals_card } }
    }
  }
`;

graphql`
  query DealsQuery($filter: OpportunityFilter) {
    ...Deals_query @arguments(filter: $filter)
    accounts(first: 1) { edges { node { id ...Deals_account } } }
  }
`;

graphql`
  mutation DealsRenameMutation($id: ID!, $name: String!) {
    updateOpportunity(id: $id, input: { name: $name }) {
      opportunity { ...Deals_card }
      userErrors { code field message }
    }
  }
`;

graphql`
  mutation DealsMoveMutation($id: ID!, $stage: OpportunityStage!) {
    updateOpportunity(id: $id, input: { stage: $stage }) {
      opportunity { id stage probability stageHistory { to actor { ...Deals_who } } }
      userErrors { code field message }
    }
  }
`;

graphql`
  mutation DealsDeleteMutation($id: ID!, $connections: [ID!]!) {
    deleteOpportunity(id: $id) {
      deletedId @deleteEdge(connections: $connections)
      userErrors { code field message }
    }
  }
`;

graphql`
  subscription DealsChangedSubscription($filter: OpportunityFilter) {
    opportunityChanged(filter: $filter) {
      cursor
      type
      opportunityId
      changedFields
      at
      actor { ...Deals_who }
      opportunity { ...Deals_card }
    }
  }
`;
