"""Pipeline files that the tests run, as their authors would write them."""

SMALL = """
import pandas as pd
from odibi_core import Step
from odibi_core.checks import not_null

def orders(limit: int = 3):
    return pd.DataFrame({"customer": ["ada", None, "eve"][:limit], "amount": [1.5, 2.0, 3.5][:limit]})

pipeline = [
    Step(name="orders", layer="ingest", value=orders, outputs={"out": "orders"},
         checks=[not_null("customer", severity="warn")]),
    Step(name="total", type="sql", inputs={"orders": "orders"},
         value="select sum(amount) as total from orders"),
]

def broken(orders):
    raise ValueError("the amounts do not add up")

def after(broken):
    return broken

failing = [orders, broken, after]
"""

SLOW = """
import time
import pandas as pd

def first():
    return pd.DataFrame({"x": [1, 2, 3]})

def second(first):
    print("READY", flush=True)
    time.sleep(60)
    return first

def third(second):
    return second

pipeline = [first, second, third]

def swallows(first):
    print("READY", flush=True)
    try:
        time.sleep(60)
    except BaseException:
        raise ValueError("the library's own error") from None

swallowing = [first, swallows]

def deaf(first):
    import hashlib
    import threading

    threading.Timer(0.3, print, ["READY"], {"flush": True}).start()
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 200_000_000)  # compiled, for most of a minute: it hears no signal
    return first

in_compiled_code = [first, deaf]
"""

FORKS = """
import os
import select
import signal
import time

from odibi_core.runtime import sigterm

def numbers():
    (watching,) = (handlers._handler.__self__ for handlers in sigterm._installed)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        while True:
            time.sleep(60)
    os.kill(child, signal.SIGTERM)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    woken = select.select([watching._reader], [], [], 0)[0]
    print(code, "woken" if woken or watching._received else "closed", flush=True)
    return [{"n": 1}]

pipeline = [numbers]
"""
