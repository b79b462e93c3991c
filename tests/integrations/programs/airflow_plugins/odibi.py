"""The one line of a user: Airflow loads every plugin in a file of its folder."""

from odibi_core.integrations.airflow import OdibiPlugin  # noqa: F401
