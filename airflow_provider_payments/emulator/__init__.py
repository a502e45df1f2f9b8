"""An Experience Platform on loopback: IMS, Flow Service, Schema Registry, Catalog and Data Prep, with state.

It shares nothing with the provider except HTTP, so that a misunderstanding of the services cannot hide in common code.
Nothing is imported here: ``__main__`` starts it as a process, ``http.server`` within one.
"""
