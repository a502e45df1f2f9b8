"""The control interface under ``/__emulator__/``, for tests and people; no part of the platform."""
