import io
import os
import sys
from pathlib import Path

import pytest

from bpnet.config import builtin, builtin_configs, load_config
from bpnet.config.builtin import read_reference
from bpnet.config.yaml_text import MAX_BYTES
from bpnet.errors import ConfigError
from tests.config.texts import TABLE


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with two built-in configs elsewhere."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    for name in ("xor", "digits"):
        (shipped / f"{name}.yaml").write_text(TABLE)
    (shipped / "README.md").write_text("no config")
    monkeypatch.setattr(builtin, "_FOLDERS", (tmp_path / "absent", shipped))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def refusal(reference: str | Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(reference)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_builtin_configs_are_found_by_name(tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    assert builtin_configs() == {"digits": shipped / "digits.yaml", "xor": shipped / "xor.yaml"}
    config = load_config("digits")
    assert config.name == "digits"
    assert config.data.train == shipped / "table.csv"


def test_the_folder_of_an_installed_wheel_comes_first(tmp_path: Path) -> None:
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "iris.yaml").write_text(TABLE)
    assert list(builtin_configs()) == ["iris"]


def test_no_builtin_configs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "_FOLDERS", ())
    assert builtin_configs() == {}
    assert refusal("digits") == "digits: no such file, nor a built-in config"


def test_a_path_is_read(here: Path) -> None:
    (here / "mine.yaml").write_text(TABLE)
    for reference in ("mine.yaml", "./mine.yaml", here / "mine.yaml", Path("mine.yaml")):
        config = load_config(reference)
        assert config.name == "mine"
        assert config.data.train == here / "table.csv"
        assert config.locate("training.epochs") == f"{Path(reference)}:9:11"


def test_overrides_are_passed_on() -> None:
    assert load_config("xor", ["training.epochs=7"]).training.epochs == 7


def test_a_file_here_wins_over_a_builtin_config(here: Path) -> None:
    (here / "digits").write_text("seed: 5\n" + TABLE)
    assert load_config("digits").seed == 5
    assert load_config("./digits").seed == 5


def test_a_dash_is_standard_input(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config("-", stdin=io.BytesIO(TABLE.encode()))
    assert config.name == "stdin"
    assert config.data.train == here / "table.csv"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TABLE.encode())))
    assert load_config("-") == config


def test_a_mistake_in_standard_input() -> None:
    with pytest.raises(ConfigError, match=r"^stdin:1:7: seed: found 'x', "):
        load_config("-", stdin=io.BytesIO(b"seed: x\n" + TABLE.encode()))


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert refusal("-") == "-: standard input is closed"


def test_standard_input_that_breaks_off() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(ConfigError, match=r"^-: cannot be read: Input/output error$"):
        load_config("-", stdin=Broken())


@pytest.mark.parametrize("name", ["", ".", "folder", "folder/", "folder.yaml"])
def test_a_folder(name: str) -> None:
    Path("folder").mkdir()
    Path("folder.yaml").mkdir()
    assert refusal(name) == f"{Path(name)}: a folder, not a config file"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("digts", "; did you mean 'digits'?"), ("mynt", "; did you mean mynet.yaml?"), ("qqqq", "")],
)
def test_a_name_that_is_no_builtin_config(here: Path, name: str, meant: str) -> None:
    (here / "mynet.yaml").write_text(TABLE)
    said = f"{name}: no such file, nor a built-in config{meant}; the built-in configs are digits, xor"
    assert refusal(name) == said


def test_a_missing_file_is_told_the_nearest(here: Path) -> None:
    (here / "mynet.yaml").write_text(TABLE)
    assert refusal("my_net.yaml") == "my_net.yaml: no such file; did you mean mynet.yaml?"
    assert refusal(here / "mynet.yml") == f"{here}/mynet.yml: no such file; did you mean {here}/mynet.yaml?"
    assert refusal("qqqq.yaml") == "qqqq.yaml: no such file"
    assert refusal("nowhere/mynet.yaml") == "nowhere/mynet.yaml: no such file: there is no folder nowhere"


def test_a_folder_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert refusal("mynet.yaml") == "mynet.yaml: no such file"


def test_a_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", f"{path} ({mode})")

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal("mynet.yaml") == "mynet.yaml: cannot be read: Permission denied"


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".yaml"])
def test_a_name_too_long_for_a_file(name: str) -> None:
    assert refusal(name) == f"{name}: cannot be read: File name too long"


def test_a_name_that_no_file_can_have() -> None:
    assert refusal("a\0.yaml") == r"a\x00.yaml: no file can have this name"


def test_a_name_that_is_no_text_can_still_be_shown(here: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    (here / name).write_text("seed: x\n" + TABLE)
    assert refusal(name).startswith(r"caf\udce9.yaml:1:7: seed: found 'x'")
    assert refusal("cafe.yaml") == r"cafe.yaml: no such file; did you mean caf\udce9.yaml?"


def test_no_more_is_read_than_needed(here: Path) -> None:
    (here / "big.yaml").write_bytes(b"#" * (MAX_BYTES + 10))
    text, _, _ = read_reference("big.yaml", None, 5)
    assert text == b"#####"
    assert refusal("big.yaml") == "big.yaml:1:1: larger than 1 MB, too large for a config"


def test_an_endless_file() -> None:
    assert refusal("/dev/zero") == "/dev/zero:1:1: larger than 1 MB, too large for a config"
