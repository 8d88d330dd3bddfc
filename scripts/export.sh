#!/usr/bin/env bash
# Sets up .venv on first use and runs scripts/export.py with the arguments given.
set -euo pipefail
caller=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh" onnx,onnxruntime
cd "$caller"
exec "$python" "$root/scripts/export.py" "$@"
