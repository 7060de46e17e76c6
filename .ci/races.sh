#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: races.sh BUILD
# Trains small networks on Oclgrind, which simulates a GPU and reports data races between work-items
# and accesses outside of buffers. Every optimizer, each way of running steps.
set -u
cd "$(dirname "$0")/.." || exit 1
program=$1/lockstep
library=$(find /usr/lib /usr/local/lib -name 'liboclgrind-rt-icd.so' 2>/dev/null | head -n 1)
[ -n "$library" ] || { echo "races: Oclgrind is not installed (Debian: oclgrind)"; exit 1; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
echo "$library" >"$folder/oclgrind.icd"
awk 'BEGIN { print "a,b,c"; for (i = 0; i < 60; i++) { x = i * 37 % 60; y = i * 23 % 60;
             print x / 60 "," y / 60 "," (x > y ? "p" : "q") } }' >"$folder/rows.csv"
export OCL_ICD_VENDORS="$folder" OCLGRIND_DATA_RACES=1 OCLGRIND_CHECK_API=1
export LOCKSTEP_HELPER=none XDG_CACHE_HOME="$folder"
status=0
# train WAY OPTION...: one epoch on Oclgrind's device, which is not exact and need not be.
train() {
    way=$1; shift
    LOCKSTEP_STEPS=$way "$program" train "$folder/rows.csv" --device 1 --allow-approximate --epochs 1 "$@" \
        >"$folder/out" 2>&1
    code=$?
    if [ "$code" -ne 0 ] || grep -qiE 'race|invalid|OpenCL error' "$folder/out"; then
        echo "LOCKSTEP_STEPS=$way lockstep train rows.csv $*: exit $code"
        head -n 20 "$folder/out"
        status=1
    fi
}
for optimizer in sgd momentum nesterov rmsprop adam adamw; do
    train layered --hidden 5 --batch 20 --optimizer $optimizer
done
train layered --hidden 7 --optimizer gd
train layered --hidden 7,5 --batch 17 --batch-norm --dropout 0.2 --clip 1
train layered --shape 2 --batch 17 --augment-shift 1 \
    --net 'conv 5 2 same, batchnorm, relu, residual project (conv 3 1 groups 1, gelu, depthwise 2 same), maxpool 2, dense'
train layered --shape 2x1 --batch 70 \
    --net 'conv 9 2x1 same, tanh, avgpool 2x1 stride 1 same, conv 4 1 stride 2 same, elu, globalpool, dense'
for way in grouped grouped-global whole; do
    train $way --hidden 7,5 --batch 17 --dropout 0.2 --clip 1
    train $way --hidden 7,5 --batch 17 --embedding piecewise --bins 3 --label-smoothing 0.1
done
exit $status
