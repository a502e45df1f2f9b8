"""The identity service: client credentials become access tokens."""
