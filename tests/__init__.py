"""The specification, as tests. The tree mirrors the apps."""
