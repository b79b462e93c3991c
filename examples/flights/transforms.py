"""The plain functions of the flights pipeline, which do not use odibi-core: frames in, frames out.

Each is written once with narwhals, takes the frames of every engine, and gives the same rows. A lazy frame stays lazy
where the function can: `rows_of` executes it in those that need the order of the rows, or a column by itself.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

NEW_YORK = "America/New_York"  # all three origins: EWR, JFK and LGA
MINUTE_US = 60_000_000
FASTEST_MPH = 600.0  # no airliner of 2013 covers the ground faster on average; the next below flew 591
STRONGEST_WIND_MPH = 150.0  # above it the sensor is wrong: the record of the three airports is half of that
EASTERNMOST_LON = -60.0  # of the airports in the table, but for those beyond the antimeridian
ANTIMERIDIAN_LON = 170.0


def rows_of(frame: nw.DataFrame[Any] | nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
    """Return a frame with its rows; a lazy one is executed here."""
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


@nw.narwhalify
def clean_weather(weather: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Return one row for each origin and hour in UTC; an impossible wind becomes missing."""
    wind_is_possible = nw.col("wind_speed") <= STRONGEST_WIND_MPH
    return (
        rows_of(weather)
        .with_columns(
            hour_utc=nw.col("time_hour").str.to_datetime(format="%Y-%m-%dT%H:%M:%SZ").dt.replace_time_zone("UTC"),
            wind_mph=nw.when(wind_is_possible).then(nw.col("wind_speed")),
            # A gust is only reported when there is one, so most are missing and a missing one means nothing.
            gust_mph=nw.when(wind_is_possible).then(nw.col("wind_gust")),
        )
        .select("origin", "hour_utc", "temp", "wind_mph", "gust_mph", "precip", "pressure", "visib")
        .unique(subset=["origin", "hour_utc"], keep="first", maintain_order=True)
    )


@nw.narwhalify
def clean_planes(planes: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Return one row for each tail number. A missing year stays missing: a guess would age whole fleets."""
    return (
        rows_of(planes)
        .rename({"year": "built"})
        .select("tailnum", "built", "manufacturer", "model", "seats", "engine")
        .unique(subset=["tailnum"], keep="first", maintain_order=True)
    )


@nw.narwhalify
def clean_airports(airports: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Return one row for each airport; an impossible position becomes missing.

    Three are wrong in the table: two lost the minus of their longitude, one has both swapped.
    """
    lon = nw.col("lon")
    possible = (lon <= EASTERNMOST_LON) | (lon >= ANTIMERIDIAN_LON)
    return (
        rows_of(airports)
        .with_columns(lat=nw.when(possible).then(nw.col("lat")), lon=nw.when(possible).then(lon))
        .select("faa", "name", "lat", "lon", "tzone")
        .unique(subset=["faa"], keep="first", maintain_order=True)
    )


@nw.narwhalify
def times_to_utc(flights: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Add the scheduled and the actual departure in UTC, from the clock of New York.

    The date in the table is that of the schedule. The actual departure is the schedule plus the delay, because
    `dep_time` alone is ambiguous: 0:15 may be that day or, after a delay, the next.
    """
    flights = rows_of(flights)
    day = nw.concat_str(
        [nw.col("year").cast(nw.String), _two_digits("month"), _two_digits("day")], separator="-"
    ).str.to_datetime(format="%Y-%m-%d")
    local = flights.select(local=_plus_minutes(day, minute_of_day("sched_dep_time")))["local"]
    return (
        flights.with_columns(_in_utc(local).alias("sched_utc"))
        .with_columns(
            dep_utc=_plus_minutes(nw.col("sched_utc"), nw.col("dep_delay")).dt.replace_time_zone("UTC"),
            hour_utc=nw.col("sched_utc").dt.truncate("1h"),
            # 1 if clock and delay agree, 0 if not, missing if cancelled
            clock_agrees=_clock_agrees(),
        )
        .drop("dep_time", "arr_time", "sched_arr_time", "minute", "time_hour")
    )


def minute_of_day(column: str) -> nw.Expr:
    """Return the minutes since midnight of a clock such as 517 or 1730; 2400, the end of a day, is 1440."""
    clock = nw.col(column)
    return clock // 100 * 60 + clock % 100


def _clock_agrees() -> nw.Expr:
    expected = (minute_of_day("sched_dep_time") + nw.col("dep_delay")) % 1440
    return nw.when(~nw.col("dep_time").is_null()).then((expected == minute_of_day("dep_time") % 1440).cast(nw.Int64))


def _two_digits(column: str) -> nw.Expr:
    return nw.col(column).cast(nw.String).str.zfill(2)


def _plus_minutes(moment: nw.Expr, minutes: nw.Expr) -> nw.Expr:
    return (moment.dt.timestamp("us") + minutes * MINUTE_US).cast(nw.Datetime("us"))


def _in_utc(local: nw.Series[Any]) -> nw.Series[Any]:
    """Convert the clock of New York to UTC. An hour that summer time skips or repeats becomes missing.

    The one place that asks which engine it is, since narwhals passes no such rule on to either.
    """
    if local.implementation.is_pyarrow():  # its own function has no answer for an hour that is twice there
        pandas = nw.from_native(local.to_pandas(), series_only=True)
        return nw.new_series(local.name, _in_utc(pandas).to_native(), backend="pyarrow")
    native = local.to_native()
    if local.implementation.is_pandas():
        aware = native.dt.tz_localize(NEW_YORK, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    else:
        zoned = native.dt.replace_time_zone(NEW_YORK, ambiguous="null", non_existent="null")
        aware = zoned.dt.convert_time_zone("UTC")
    return nw.from_native(aware, series_only=True)


@nw.narwhalify
def add_planes(flights: nw.DataFrame[Any], planes: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Add the plane of each flight; it is missing if the registry lacks the tail number."""
    return flights.join(planes.select("tailnum", "built", "manufacturer", "seats"), on="tailnum", how="left")


@nw.narwhalify
def add_places(
    flights: nw.DataFrame[Any], airports: nw.DataFrame[Any], airlines: nw.DataFrame[Any]
) -> nw.DataFrame[Any]:
    """Add the names of airline and destination."""
    destinations = airports.select("faa", "name", "lat", "lon").rename(
        {"faa": "dest", "name": "dest_name", "lat": "dest_lat", "lon": "dest_lon"}
    )
    return flights.join(airlines.rename({"name": "airline"}), on="carrier", how="left").join(
        destinations, on="dest", how="left"
    )


def split_cancelled(flights: Any) -> dict[str, Any]:
    """Split the flights into those that left and those that were cancelled."""
    frame = nw.from_native(flights)
    never_left = nw.col("dep_delay").is_null()
    cancelled = frame.filter(never_left).drop("dep_delay", "arr_delay", "air_time", "dep_utc", "clock_agrees")
    return {"departed": frame.filter(~never_left).to_native(), "cancelled": cancelled.to_native()}


@nw.narwhalify
def drop_impossible(departed: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Drop departures whose clock and delay disagree, and impossibly short flights."""
    speed = nw.col("distance") * 60 / nw.col("air_time")
    possible = speed <= FASTEST_MPH
    return (
        departed.filter(nw.col("clock_agrees") == 1)
        .with_columns(speed_mph=nw.when(possible).then(speed), air_time=nw.when(possible).then(nw.col("air_time")))
        .drop("clock_agrees")
    )


@nw.narwhalify
def add_weather(flights: nw.DataFrame[Any], weather: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Add the weather at the origin in the hour of the scheduled departure, and a word for it."""
    joined = flights.join(weather, on=["origin", "hour_utc"], how="left")
    sky = (
        nw.when(nw.col("temp").is_null())
        .then(nw.lit("unknown"))
        .otherwise(
            nw.when(nw.col("visib") < 2)
            .then(nw.lit("fog"))
            .otherwise(
                nw.when(nw.col("precip") > 0)
                .then(nw.lit("rain or snow"))
                .otherwise(nw.when(nw.col("wind_mph") >= 25).then(nw.lit("strong wind")).otherwise(nw.lit("fair")))
            )
        )
    )
    return joined.with_columns(sky=sky)
