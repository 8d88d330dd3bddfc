"""What can be shown of GPUs and TPUs without one: programs lowered for them, and that the loop feeds a device."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from lowered_products import products
from tiny_network import TinyNetwork, loss

import rvm_jax
from rvm_jax import compilation
from rvm_jax.compilation import FirstCalls, cache_folder, keep_compilations
from rvm_jax.errors import UserError
from rvm_jax.matting.engine import JaxEngine
from rvm_jax.networks import functional
from rvm_jax.networks.layers.kernels import XLA, use_kernels
from rvm_jax.train.devices import global_batch, make_mesh
from rvm_jax.train.optimizer import make_optimizer
from rvm_jax.train.rates import resolve_rates
from rvm_jax.train.state import new_state
from rvm_jax.train.step import make_train_step
from scripts.benchmarks import chips, compiled_program, simulated_device, slices

PLATFORMS = ["cuda", "tpu"]
BATCH = {
    name: np.random.default_rng(0).integers(0, 256, (2, 2, 16, 16, channels), np.uint8)
    for name, channels in (("src", 3), ("pha", 1))
}


def tiny_step() -> tuple[Any, Any]:
    """A training step for accelerators, and its state."""
    network = TinyNetwork(rngs=None)
    use_kernels(network, XLA)
    _, params, batch_stats = functional.split(network)
    optimizer = make_optimizer(params, resolve_rates(params, ((".*", 1e-2),)))
    return make_train_step(network, loss, optimizer), new_state(params, batch_stats, optimizer)


def test_a_training_step_is_exported_for_accelerators() -> None:
    step, state = tiny_step()
    exported = jax.export.export(step, platforms=PLATFORMS)(state, BATCH)
    assert list(exported.platforms) == PLATFORMS
    assert exported.nr_devices == 1


def test_matting_is_exported_for_accelerators() -> None:
    network = rvm_jax.create("rvm", rngs=None, kernels=XLA)
    engine = JaxEngine(network)
    clip = np.zeros((1, 1, 32, 32, 3), np.uint8)
    exported = engine.export(clip, 1.0, PLATFORMS)
    assert list(exported.platforms) == PLATFORMS
    assert "stablehlo.convolution" in exported.mlir_module()


def test_steps_move_nothing_between_host_and_device_by_themselves() -> None:
    """But what the loop sends and fetches explicitly; the memory of the state before is taken over."""
    step, state = tiny_step()
    mesh = make_mesh(jax.devices()[:1])
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    state = jax.device_put(state, sharding)
    batch = global_batch(BATCH, sharding, 2)
    state, _ = step(state, batch)
    before = state
    with jax.transfer_guard("disallow"):
        batch = global_batch(BATCH, sharding, 2)
        state, metrics = step(state, batch)
    assert all(array.is_deleted() for array in before.params.values())
    assert int(state.step) == 2 and float(metrics["loss/total"]) > 0


def test_collectives_are_counted_in_optimized_programs() -> None:
    text = """
      %all-reduce.1 = f32[3,3,16,16]{3,2,1,0} all-reduce(%x), channel_id=1
      %all-reduce.2 = (f32[8]{0}, bf16[4,2]{1,0:T(8,128)}) all-reduce(%y, %z), channel_id=2
      %start = f32[5]{0} all-gather-start(%w), dimensions={0}
      %other = f32[7]{0} add(%a, %all-reduce.1)
    """
    kinds, exchanged = compiled_program.count_collectives(text)
    assert kinds == {"all-reduce": 2, "all-gather": 1}
    assert exchanged == 4 * (9 * 256) + 4 * 8 + 2 * 8 + 4 * 5


def test_a_program_tells_its_memory_and_products() -> None:
    compiled = jax.jit(lambda a, b: a @ b).lower(jnp.zeros((8, 16)), jnp.zeros((16, 4))).compile()
    program = compiled_program.read(compiled)
    assert program.peak_bytes >= 4 * (8 * 16 + 16 * 4 + 8 * 4)
    assert program.flops >= 2 * 8 * 16 * 4 and not program.collectives


def test_rooflines_are_the_slower_of_arithmetic_and_traffic() -> None:
    chip = chips.Chip("chip", 100.0, 1.0, 10.0, 5.0)
    assert chips.roofline(chip, 200.0, 10.0) == (2.0, "arithmetic")
    assert chips.roofline(chip, 200.0, 50.0, 5.0) == (6.0, "memory traffic")
    assert chips.roofline(chip, 200.0, 10.0, precision="float32") == (12.0, "arithmetic")


def test_a_simulated_device_waits_for_a_slow_pipeline() -> None:
    clock = SimpleNamespace(now=0.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    def slow() -> Any:
        while True:
            clock.now += 1.0
            yield {}

    fed = simulated_device.feed(slow(), 4, 5, 3.0, sleep=sleep, clock=lambda: clock.now)
    assert fed == (1.0, 0.25)


@pytest.mark.parametrize("node", simulated_device.NODES, ids=lambda node: node.name)
def test_a_node_is_slower_in_float32_and_at_larger_sizes(node: simulated_device.Node) -> None:
    rate = simulated_device.frames_per_second(node, 512, "bfloat16")
    assert simulated_device.frames_per_second(node, 512, "float32") < rate
    assert simulated_device.frames_per_second(node, 256, "bfloat16") == pytest.approx(4 * rate)


def test_compiling_for_a_slice_without_one() -> None:
    pytest.importorskip("libtpu")
    chip, devices = slices.tpu_slice("v5e:2x2")
    assert chip.memory_gib == 16 and len(devices) == 4
    mesh = make_mesh(devices)
    sharded, whole = (jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes)) for axes in (("data",), ()))
    x = jax.ShapeDtypeStruct((64, 128), jnp.float32, sharding=sharded)
    weight = jax.ShapeDtypeStruct((128, 128), jnp.float32, sharding=whole)
    multiply = jax.jit(lambda x, weight: jnp.matmul(x, weight, precision="highest").sum())
    lowered = multiply.lower(x, weight)
    assert products(lowered) == {("f32", "HIGHEST"): 1}
    program = compiled_program.read(slices.compile_for_slice(lowered))
    assert program.collectives["all-reduce"] == 1
    assert 4 * (16 * 128 + 128 * 128) <= program.peak_bytes < 1 << 24


def test_programs_are_kept_in_the_cache_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    keep_compilations()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "elsewhere" and not cache_folder().exists()

    told: dict[str, str] = {}
    config = SimpleNamespace(values={"jax_compilation_cache_dir": None}, update=told.__setitem__)
    monkeypatch.setattr(compilation, "sys", SimpleNamespace(modules={"jax": SimpleNamespace(config=config)}))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    keep_compilations()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "rvm_jax" / "compiled") == str(cache_folder())
    assert told == {"jax_compilation_cache_dir": str(cache_folder())} and cache_folder().is_dir()

    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep_compilations()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_what_compiles_for_long_is_named_once() -> None:
    said: list[str] = []
    calls = FirstCalls(said.append, after=0.0)
    for _ in range(2):
        with calls.of((8, 6), "6x8"):
            _wait_until(lambda: said)
    assert said == ["compiling for 6x8 (once per size) …"]
    with FirstCalls(said.append, after=3600.0).of("quick", "6x8"):
        pass
    assert len(said) == 1


def _wait_until(happened: Any) -> None:
    from time import monotonic, sleep

    end = monotonic() + 30
    while not happened() and monotonic() < end:
        sleep(0.01)


@pytest.mark.parametrize("topology", ["v1:2x2", ""])
def test_an_unknown_slice_is_refused(topology: str) -> None:
    with pytest.raises(UserError, match="there are v5e"):
        slices.tpu_slice(topology)
