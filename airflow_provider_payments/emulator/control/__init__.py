"""The control interface under ``/__emulator__/``: for tests and people, never for clients of the platform."""
