"""The control interface under ``/__emulator__/``: for tests and people, not for clients of the platform."""
