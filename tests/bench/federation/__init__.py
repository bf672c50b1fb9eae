"""One question to four cities: Verbund's nodes, and GraphQL gateways over plain services with the same rows."""
