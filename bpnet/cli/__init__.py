"""The command line: parse, call, render, exit."""


def main() -> None:
    """Run the command line; what ``bpnet`` and ``python -m bpnet`` start."""
    import gc
    import sys

    gc.set_threshold(100_000)  # the hundreds of modules that are loaded stay: no use in looking for garbage
    try:
        from bpnet.cli.app import app

        app()
    except KeyboardInterrupt:  # so early that no command has begun
        sys.exit(130)
