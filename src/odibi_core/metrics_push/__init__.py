"""Metrics of runs that end before a scrape: to a Pushgateway, by remote write, or as files for node_exporter.

`live` folds the events of each run into its metrics, and hands them over at its end.
"""
