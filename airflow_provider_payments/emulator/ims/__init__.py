"""The identity service, which issues access tokens for client credentials."""
