import subprocess
import sys

import bpnet.config

HEAVY = {"numpy", "pydantic", "yaml"}


def loaded_by(*statements: str) -> set[str]:
    show = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    code = "\n".join(["import bpnet.config", *statements, show])
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_room_loads_neither_yaml_nor_pydantic() -> None:
    assert loaded_by("bpnet.config.builtin_configs()").isdisjoint(HEAVY)


def test_what_reading_loads_would_be_noticed() -> None:
    assert loaded_by("import bpnet.config.loading") >= HEAVY


def test_the_exported_names() -> None:
    assert sorted(bpnet.config.__all__) == [
        "builtin_configs",
        "dump_config",
        "json_schema",
        "key_table",
        "load_config",
        "parse_config",
    ]
    for name in bpnet.config.__all__:
        assert getattr(bpnet.config, name).__doc__
