"""A pipeline that something else runs (a script, a notebook, a task of a scheduler) and odibi-core observes."""

import pandas as pd

import odibi_core


@odibi_core.node
def extract() -> pd.DataFrame:
    return pd.DataFrame({"sensor": ["a", "a", "b", "b"], "celsius": [19.5, 21.0, None, 18.0]})


@odibi_core.node
def clean(readings: pd.DataFrame) -> pd.DataFrame:
    return readings.dropna()


@odibi_core.node
def average(readings: pd.DataFrame) -> pd.DataFrame:
    return readings.groupby("sensor", as_index=False)[["celsius"]].mean()


def main() -> pd.DataFrame:
    return average(clean(extract()))  # outside of observe(), a node is a plain function


if __name__ == "__main__":
    with odibi_core.observe("nightly"):
        print(main())
