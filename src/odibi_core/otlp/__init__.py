"""OpenTelemetry: spans, log records and metrics of runs, folded from their events, as OTLP.

`signals` is the pure fold, `json_requests` and `protobuf` encode, `live` sends while a program runs, and `files` writes
the lines of OTLP's file format.
"""
