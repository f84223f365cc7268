"""The command line: parse, call, render, exit."""


def main() -> None:
    """Run the command line; what ``bpnet`` and ``python -m bpnet`` start."""
    from bpnet.cli.app import app

    app()
