"""What imports what: one direction, no circle; and what an import does not load."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each room may import itself and those named here.
ROOMS = {
    "rvm_jax": (),
    "data_pipeline": ("rvm_jax",),
    "configs": ("rvm_jax", "data_pipeline"),
    "eval": ("rvm_jax", "data_pipeline", "configs"),
    "scripts": ("rvm_jax", "data_pipeline", "configs", "eval"),
}
MEDIA = sorted(f"rvm_jax.media.{path.stem}" for path in (ROOT / "rvm_jax/media").glob("[!_]*.py"))


@cache
def modules() -> dict[str, ast.Module]:
    """The rooms' modules by name, parsed."""
    found = {}
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported(tree: ast.AST, name: str) -> set[str]:
    """The modules of the rooms that a piece of module `name` imports."""
    targets: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            targets |= whole & modules().keys() or {str(node.module)}
    return {target for target in targets if target.partition(".")[0] in ROOMS} - {name}


def when_loaded(name: str) -> set[str]:
    """The modules that module `name` imports as it is loaded: not in functions, not for type checkers alone."""
    statements = [
        node
        for node in modules()[name].body
        if not isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    ]
    return set().union(*(imported(node, name) for node in statements))


def test_rooms_import_in_one_direction() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules().items()
        for target in imported(tree, name)
        if target.partition(".")[0] not in (name.partition(".")[0], *ROOMS[name.partition(".")[0]])
    ]
    assert wrong == []


def test_no_import_runs_in_a_circle() -> None:
    try:
        TopologicalSorter({name: when_loaded(name) for name in modules()}).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' imports '.join(reversed(error.args[1]))}")


@pytest.mark.parametrize(
    ("loaded", "absent"),
    [
        (["rvm_jax"], ["jax", "numpy", "absl"]),
        (["rvm_jax.matting.command"], ["jax", "numpy", "cv2", "av"]),
        (MEDIA, ["jax", "flax"]),
    ],
    ids=["package", "command", "media"],
)
def test_what_an_import_does_not_load(loaded: list[str], absent: list[str]) -> None:
    code = f"import sys, {', '.join(loaded)}; print([name for name in {absent} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout == "[]\n"
