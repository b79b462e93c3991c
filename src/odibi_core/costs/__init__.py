"""Costs: events of calls that cost money, budgets and alerts, and BigQuery observed."""

__all__ = ["bigquery", "tracker"]
