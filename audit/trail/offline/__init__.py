"""What an outsider needs to verify the trail, and to witness it: Python's standard library and nothing of the system.

An export carries this folder beside ``verify.py``. It shares no code with the sealer on purpose: the tests hold the two
to each other.
"""
