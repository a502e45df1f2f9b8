"""Schema Registry: classes, field groups and schemas of the tenant, and the global ones that payments need."""
