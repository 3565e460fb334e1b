"""The trail: what the database writes, how it is sealed, and how an outsider verifies it."""
