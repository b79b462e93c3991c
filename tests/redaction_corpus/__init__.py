"""A corpus of secrets and innocent values from public formats, which measures both rates of the redaction.

`python -m tests.redaction_corpus` prints the rates by kind, `--failures KIND` the entries of a kind that fail.
"""
