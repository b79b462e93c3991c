"""Data contracts (Open Data Contract Standard, version 3) as checks: `from_contract("orders.odcs.yaml")`."""

from __future__ import annotations

from odibi_core.checks.contract.checks import from_contract

__all__ = ["from_contract"]
