#!/usr/bin/env bash
# One command for the day that an accelerator is there: scripts/gpu_report.sh [--output=work/accelerator.md]
# Sets up .venv for what it finds (CUDA or TPU), then measures parity, matting and training beside PyTorch, memory and
# several devices, in about ten minutes, and leaves one Markdown file. --tiny rehearses it in a minute, on a CPU too.
# PyTorch takes part where it is installed (with CUDA: pip install torch).
set -euo pipefail
caller=$PWD
extras=
[ -e /dev/nvidiactl ] && extras=cuda
[ -z "$extras" ] && { [ -e /dev/accel0 ] || [ -e /dev/vfio/0 ]; } && extras=tpu
if [ -n "${PYTHON_OF_REPORT:-}" ]; then  # an environment that is ready
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  python=$PYTHON_OF_REPORT
else
  source "$(dirname "${BASH_SOURCE[0]}")/setup.sh" "$extras"
fi
cd "$caller"
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "$python" "$root/scripts/gpu_report.py" "$@"
