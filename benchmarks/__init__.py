"""Benchmarks of odibi-core and its peers: the contenders take turns in one run, and lost rows are shown.

`harness` measures, `machine` describes the machine, `report` prints, `child` starts fresh interpreters;
every other module is one area and offers `works(quick) -> list[Work]`.
"""
