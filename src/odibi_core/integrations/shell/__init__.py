"""The run of a command in any language, which `odibi exec` records: its exit code, output and use of resources."""
