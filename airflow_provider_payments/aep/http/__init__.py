"""HTTP requests: the transport, the retry decision, authentication, rate limits, the platform's clock, deadlines."""
