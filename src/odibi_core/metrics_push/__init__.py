"""Metrics of runs that end before a scrape: pushed to a Pushgateway, or written for node_exporter's textfile collector.

`live` folds the events of each run into its metrics, and hands them over at its end.
"""
