"""Lines of the log and the events of runs, sent to Loki, Elasticsearch, syslog and journald.

`targets` has one line for each system, `live` sends while a program runs, and `record` sends what the store has, with
the position of each run saved. Each receiver takes batches of events; `delivery.base` has the contract.
"""
