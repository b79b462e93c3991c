"""The step cache: results of steps by key, so that equal code on equal inputs with equal parameters runs once.

A key has every part that the result depends on, and a step with a part that cannot be known has no key: it runs, and
the reason is recorded.
"""
