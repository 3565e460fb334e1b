"""What ``bin/bench settle`` and ``bin/bench storm`` are made of."""
