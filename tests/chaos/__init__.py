"""The whole chain under faults, kills and a second writer, in virtual time: does each object exist exactly once?"""
