"""YAML text to a validated, frozen experiment."""

from typing import TYPE_CHECKING

from bpnet.config.api import (
    builtin_configs,
    dump_config,
    json_schema,
    key_table,
    load_config,
    parse_config,
)

if TYPE_CHECKING:  # at run time these would load pydantic
    from bpnet.config.choices import Choice as Choice
    from bpnet.config.models import ExperimentConfig as ExperimentConfig
    from bpnet.config.reference import Key as Key
    from bpnet.config.sources import FilePair as FilePair

__all__ = ["builtin_configs", "dump_config", "json_schema", "key_table", "load_config", "parse_config"]
