from kedro.pipeline import Pipeline, node
from shop_functions import orders, paid, revenue


def register_pipelines() -> dict[str, Pipeline]:
    shop = Pipeline(
        [
            node(orders, "params:rows", "orders", name="load", tags="reading"),
            node(paid, ["orders", "params:fault"], "paid", name="clean"),
            node(revenue, "paid", "total", name="total"),
        ]
    )
    return {"__default__": shop}
