"""`python -m odibi_core` is `odibi`."""

from odibi_core.cli import main

if __name__ == "__main__":
    main()
