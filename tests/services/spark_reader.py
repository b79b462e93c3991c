"""A Spark program: reads a table of a shared store, and prints its rows by step as one JSON line."""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)
nodes = spark.read.parquet(f"{sys.argv[1]}/tables/nodes")
by_step = nodes.where("status = 'success'").groupBy("pipeline_name", "node_name")
answer = by_step.agg(f.count("*").alias("runs"), f.sum("rows_out").alias("rows")).orderBy("pipeline_name", "node_name")
print(json.dumps([row.asDict() for row in answer.collect()]))
spark.stop()
