from pathlib import Path

import pytest
import trees

from data_pipeline.sources import ADAPTERS, read_spec
from data_pipeline.sources.listing import SECTIONS, config_lines, list_sources, table
from rvm_jax.errors import UserError

PAGE = Path(__file__).resolve().parents[2] / "docs/data.md"


def test_the_page_shows_every_adapter() -> None:
    text = PAGE.read_text()
    assert table(ADAPTERS) in text and config_lines(ADAPTERS) in text


def test_every_config_line_is_accepted() -> None:
    lines = config_lines(ADAPTERS).splitlines()
    assert len(lines) == len(ADAPTERS)
    for line in lines:
        spec = eval(line, {"dict": dict})
        name, adapter, _ = read_spec(spec, trees.request(ADAPTERS[spec["name"]].kinds[0]))
        assert ADAPTERS[name] is adapter


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_says_what_it_is(name: str) -> None:
    adapter = ADAPTERS[name]
    assert adapter.title and adapter.layout and adapter.origin and adapter.licence
    assert set(adapter.kinds) <= set(SECTIONS.values())
    with pytest.raises(UserError, match=rf"'{name}' has no such setting; it has"):
        read_spec({"name": name, "nonsense": 1}, trees.request(adapter.kinds[0]))


def test_sources_of_a_config() -> None:
    data = {"faces": {"a": {"name": "x"}, "b": {"name": "y", "weight": 0}}, "resolution": 8, "backgrounds": None}
    [(label, spec, request)] = list_sources(data, "valid")
    assert (label, spec["name"], request.kind, request.split) == ("faces.a", "x", "face", "valid")
