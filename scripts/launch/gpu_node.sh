#!/usr/bin/env bash
# Trains on all GPUs of this machine: scripts/launch/gpu_node.sh --config=configs/face_best.py --workdir=work/best
# One process drives them all; CUDA_VISIBLE_DEVICES=0,1 leaves some out. A run that a failing driver or a crash ends is
# started again, up to TRIES times (5), and resumes from its last checkpoint; one that refuses its settings
# (status 1) or was told to end (143) is not.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}

child=
trap '[ -z "$child" ] || kill -TERM "$child"' TERM
for ((try = 1; try <= ${TRIES:-5}; try++)); do
  "$python" "$root/scripts/train.py" "$@" &
  child=$!
  status=0
  wait "$child" || status=$?
  while kill -0 "$child" 2>/dev/null; do  # the trap ends a wait, the run still saves
    status=0
    wait "$child" || status=$?
  done
  child=
  case $status in 0 | 1 | 130 | 143) exit "$status" ;; esac
  echo "the run ended with status $status; start $((try + 1)) follows" >&2
done
exit "$status"
