"""odibi-core against its peers: the contenders in turn, in one run, the rows that we lose included.

Floor plan: `harness` measures, `machine` says where, `report` prints, `child` starts fresh interpreters;
every other module is one area and offers `works(quick) -> list[Work]`.
"""
