"""XLA's options for half of the time to compile, and a slower program: for what runs once or twice."""

QUICK_TO_COMPILE: dict[str, str | bool] = {"xla_backend_optimization_level": "0", "xla_cpu_use_fusion_emitters": False}
# The same for XLA_FLAGS.
QUICK_FLAGS = " ".join(f"--{name}={value}".lower() for name, value in QUICK_TO_COMPILE.items())
