#!/usr/bin/env bash
# Trains on a Cloud TPU VM or a pod slice of them:
#   TPU=my-slice ZONE=us-central2-b scripts/launch/tpu_pod.sh \
#     --config=configs/face_best.py --workdir=gs://bucket/best --config.train.batch_size=256
# The slice exists (gcloud compute tpus tpu-vm create), and REPOSITORY, a git address, can be cloned from it. Every host
# gets the same revision, installs it with the tpu extra and starts the same command; JAX finds its neighbours itself.
set -euo pipefail
: "${TPU:?name of the TPU VM or slice}" "${ZONE:?its zone}" "${REPOSITORY:?git address that the hosts can clone}"
revision=$(git rev-parse HEAD)
arguments=$(printf ' %q' "$@")
gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker=all --command="
  set -e
  [ -d rvm ] || git clone '$REPOSITORY' rvm
  cd rvm
  git fetch --all --quiet
  git checkout --quiet '$revision'
  [ -d .venv ] || python3 -m venv .venv
  .venv/bin/pip install --quiet -e '.[tpu]' gcsfs google-cloud-storage
  .venv/bin/python scripts/train.py --distributed$arguments"
