"""GraphQL over HTTP: the strict decoder, negotiation, the endpoint, and the layers that every request passes."""
