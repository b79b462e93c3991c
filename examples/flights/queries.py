"""The SQL queries: DuckDB over the inputs of a step, whose logical names are the tables."""

BY_AIRLINE = """
SELECT carrier, airline,
       count(*) AS flights,
       round(avg(dep_delay), 2) AS mean_dep_delay,
       round(avg(arr_delay), 2) AS mean_arr_delay,
       round(100.0 * count(*) FILTER (WHERE arr_delay > 15) / count(arr_delay), 2) AS late_pct
FROM flights
GROUP BY carrier, airline
HAVING count(*) >= $minimum
ORDER BY mean_arr_delay DESC
"""

BY_HOUR = """
SELECT origin, hour,
       count(*) AS flights,
       round(avg(dep_delay), 2) AS mean_dep_delay,
       median(dep_delay) AS median_dep_delay
FROM flights
GROUP BY origin, hour
ORDER BY origin, hour
"""

BY_WEATHER = """
SELECT sky,
       count(*) AS flights,
       round(avg(dep_delay), 2) AS mean_dep_delay,
       round(100.0 * count(*) FILTER (WHERE dep_delay > 60) / count(*), 2) AS over_an_hour_pct
FROM flights
GROUP BY sky
ORDER BY mean_dep_delay DESC
"""

CANCELLATIONS = """
WITH scheduled AS (
    SELECT carrier, month FROM departed UNION ALL SELECT carrier, month FROM cancelled
), totals AS (
    SELECT carrier, month, count(*) AS scheduled FROM scheduled GROUP BY carrier, month
), lost AS (
    SELECT carrier, month, count(*) AS cancelled FROM cancelled GROUP BY carrier, month
)
SELECT carrier, month, scheduled, coalesce(lost.cancelled, 0) AS cancelled,
       round(100.0 * coalesce(lost.cancelled, 0) / scheduled, 2) AS cancelled_pct
FROM totals LEFT JOIN lost USING (carrier, month)
ORDER BY carrier, month
"""

BY_AIRPORT = """
SELECT origin, sky,
       count(*) AS flights,
       round(avg(dep_delay), 2) AS mean_dep_delay,
       round(avg(distance), 1) AS mean_distance
FROM flights
GROUP BY origin, sky
ORDER BY origin, sky
"""
