"""The GraphQL types, one subject a file. Their descriptions are the documentation that users read."""
