# Sourced by the other .sh files: makes `.venv` from pyproject.toml on first use, and leaves its Python in $python.
# Usage: source scripts/setup.sh EXTRAS
#   EXTRAS   extras of pyproject.toml joined by commas, or "" for none (always given: without an argument, bash would
#            pass on the caller's)
#   PYTHON   the interpreter to make it with (python3 if not given; 3.11 or newer)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
python="$root/.venv/bin/python"
extras=$1
stamp="$root/.venv/.installed-${extras:-core}"
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
  base=${PYTHON:-python3}
  if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: $base is not Python 3.11 or newer; name one that is: PYTHON=python3.12 $0" >&2
    exit 1
  fi
  echo "Setting up .venv (first use; a few minutes) …"
  [ -x "$python" ] || "$base" -m venv .venv
  "$python" -m pip install --quiet --disable-pip-version-check --editable ".${extras:+[$extras]}"
  # The editable install knows rvm_jax alone; the scripts also import the other folders.
  "$python" -c 'import site, sys; print(sys.argv[1], file=open(site.getsitepackages()[0] + "/rvm_jax_checkout.pth", "w"))' "$root"
  touch "$stamp"
fi
