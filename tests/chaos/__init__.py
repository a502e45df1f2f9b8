"""The whole chain under faults, kills and a second writer, in virtual time: is there one of each thing at the end?"""
