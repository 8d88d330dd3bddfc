"""How programs of the suite are compiled: quickly, as most run once or twice."""

from rvm_jax.compilation import quick_to_compile

QUICK_TO_COMPILE = quick_to_compile()
# The same for XLA_FLAGS.
QUICK_FLAGS = " ".join(f"--{name}={value}".lower() for name, value in QUICK_TO_COMPILE.items())
# What XLA does by default, for what hangs on how a program rounds.
AS_FOR_USERS = {name: {"0": "3"}.get(str(value), True) for name, value in QUICK_TO_COMPILE.items()}
