#!/usr/bin/env bash
# Trains on several nodes under Slurm, a process to each GPU:
#   sbatch --nodes=2 --gpus-per-node=8 --ntasks-per-node=8 scripts/launch/slurm.sh \
#     --config=configs/face_best.py --workdir=/mnt/runs/best --config.train.batch_size=128
# The work directory lies on a file system that all nodes see. Two minutes before the job's time is over, or when it is
# preempted, Slurm sends SIGTERM: the run saves and ends, and the job is queued again and resumes.
#SBATCH --job-name=rvm
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -uo pipefail
cd "${SLURM_SUBMIT_DIR:?this is for sbatch, in the checkout}" || exit
export JAX_COMPILATION_CACHE_DIR=${JAX_COMPILATION_CACHE_DIR:-$PWD/.jax_cache}
# JAX finds the nodes and this process's GPU in Slurm's own variables.
srun --kill-on-bad-exit=0 "${PYTHON:-.venv/bin/python}" scripts/train.py --distributed "$@"
status=$?
if [ "$status" -eq 143 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
