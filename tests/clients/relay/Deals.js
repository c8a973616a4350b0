// What a Relay application writes: fragments, a paginated connection, a refetchable record, an edge added by a mutation.
import { graphql } from 'relay-runtime';

graphql`
  fragment Deals_card on Opportunity @refetchable(queryName: "DealsCardRefetchQuery") {
    id
    name
    stage
    value
    account { id name }
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
      type
      opportunity { ...Deals_card }
    }
  }
`;
