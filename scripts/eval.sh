#!/usr/bin/env bash
# Sets up .venv on first use and runs scripts/evaluate.py with the arguments given.
set -euo pipefail
caller=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh" ""
cd "$caller"
exec "$python" "$root/scripts/evaluate.py" "$@"
