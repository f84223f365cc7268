"""The command line: parse, call, render, exit."""


def main() -> None:
    """Run the command line; what ``bpnet`` and ``python -m bpnet`` start."""
    import sys

    try:
        from bpnet.cli.app import app

        app()
    except KeyboardInterrupt:  # so early that no command has begun
        sys.exit(130)
