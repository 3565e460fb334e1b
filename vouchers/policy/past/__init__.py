"""Engines that decided cases and differ from the present one in more than a named reading (`vouchers.policy.engines`).

They are kept as they were, down to the words of their lines, and decide nothing any more: a case that one of them decided is
computed again by it, and by nothing else. They share with the present engine what only ever grows: the terms, the rules, the
facts and the plain form. Tests hold each file to its hash (`tests/vouchers/policy/test_past.py`) and its answers to its corpus.
"""
