"""The command line: parse, call, render, exit."""


def main() -> None:
    """Run the command line; what ``bpnet`` and ``python -m bpnet`` start."""
    import atexit
    import gc
    import os
    import sys

    gc.set_threshold(100_000)  # the hundreds of modules that are loaded stay: no use in looking for garbage
    atexit.register(gc.freeze)  # nor at the end, where the system takes all memory back at once
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looked for in every installed package
    try:
        from bpnet.cli.app import app

        app()
    except KeyboardInterrupt:  # so early that no command has begun
        sys.exit(130)
