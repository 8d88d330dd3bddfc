#!/usr/bin/env bash
# Trains: scripts/train.sh --config=configs/face_stage1.py --workdir=work/face
# Without arguments: the quickstart. It trains on embedded data, mattes held-out clips with the checkpoint that it wrote,
# evaluates them, and leaves a table, a contact sheet and a comparison video in work/quickstart (ten minutes on two cores).
set -euo pipefail
caller=$PWD
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh" ""
if [ $# -gt 0 ]; then
  cd "$caller"
  exec "$python" "$root/scripts/train.py" "$@"
fi
exec "$python" scripts/quickstart.py
