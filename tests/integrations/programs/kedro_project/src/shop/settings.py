import os

if os.environ.get("SHOP_BARE") != "yes":
    from odibi_core.integrations.kedro import OdibiHooks

    HOOKS = (OdibiHooks(),)
