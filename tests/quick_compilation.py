"""How programs of the suite are compiled: quickly, as most run once or twice."""

from rvm_jax.compilation import quick_to_compile

QUICK_TO_COMPILE = quick_to_compile()
# The same for XLA_FLAGS.
QUICK_FLAGS = " ".join(f"--{name}={value}".lower() for name, value in QUICK_TO_COMPILE.items())
# For gradients by XLA's own convolutions in float64, which without optimization take eight times as long.
QUICK_TO_RUN = QUICK_TO_COMPILE | {"xla_backend_optimization_level": "1"}
QUICK_TO_RUN.pop("xla_cpu_use_fusion_emitters", None)
# What XLA does by default, for what hangs on how a program rounds.
AS_FOR_USERS = {name: {"0": "3"}.get(str(value), True) for name, value in QUICK_TO_COMPILE.items()}
