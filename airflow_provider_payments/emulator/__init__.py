"""An emulator of Experience Platform on loopback: IMS, Flow Service, Schema Registry, Catalog, Data Prep, with state.

The emulator shares nothing with the provider except HTTP, so that a misunderstanding of the services cannot hide in
common code. Nothing is imported here: ``__main__`` starts an emulator as a process, ``http.server`` within a process.
"""
