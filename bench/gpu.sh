#!/bin/sh
# SPDX-License-Identifier: MIT
# Everything there is to know of a machine with an OpenCL device, in one command and one report. Needs a C compiler, CMake and
# OpenCL headers (CL/cl.h), nothing else; python3 with PyTorch is used if it is there.
#
#   bench/gpu.sh [DEVICE] [REPORT]     DEVICE: as --device takes it (default 1); REPORT: a file (default gpu-report.txt)
set -u
cd "$(dirname "$0")/.." || exit 1
device=${1:-1}
report=${2:-gpu-report.txt}
build=build/gpu
: >"$report"
say() { echo "$@" | tee -a "$report"; }
run() { say; say "\$ $*"; "$@" 2>&1 | tee -a "$report"; }

# A container may hold NVIDIA's library and not say so: then no vendor file names it.
if ! ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1 && [ -z "${OCL_ICD_VENDORS:-}${OCL_ICD_FILENAMES:-}" ]; then
    library=$(find / -name 'libnvidia-opencl.so.1' 2>/dev/null | head -n 1)
    if [ -n "$library" ]; then
        mkdir -p "$build/vendors"
        echo "$library" >"$build/vendors/nvidia.icd"
        export OCL_ICD_VENDORS="$PWD/$build/vendors" OCL_ICD_FILENAMES="$library"
    fi
fi

{ cmake -S . -B "$build" && cmake --build "$build" -j --target lockstep-bench; } >"$report.build" 2>&1 ||
    { tail -n 30 "$report.build"; exit 1; }
rm -f "$report.build"
bench=$build/lockstep-bench

say "Lockstep on $(uname -sm), $(date -u +%Y-%m-%d)"
run "$bench" devices
say
say "Whole runs: the device's bits against the CPU path's"
cpu=$("$bench" hash --device cpu | tail -n 1)
gpu=$("$bench" hash --device "$device" | tail -n 1)
say "CPU path $cpu"
say "device   $gpu"
if [ "$cpu" = "$gpu" ]; then say "EQUAL"; else say "DIFFERENT: please report this"; fi
run "$bench" tune --device "$device"
gpu=$("$bench" hash --device "$device" | tail -n 1)
if [ "$cpu" = "$gpu" ]; then say "EQUAL after tuning"; else say "DIFFERENT after tuning: please report this"; fi
run "$bench" matmul --device "$device" --peer none
run "$bench" elementwise --device "$device"
for case in "784-128-10 128" "784-512-512-10 256" "784-2048-2048-10 512" "784-4096-4096-10 4096"; do
    # shellcheck disable=SC2086
    set -- $case
    run "$bench" step --device "$device" --network "$1" --batch "$2"
    run "$bench" step --device cpu --network "$1" --batch "$2" --repeat 3
done
if command -v python3 >/dev/null 2>&1; then
    run python3 bench/side_by_side.py steps --device "$device" --bench "$bench" --torch-device cuda
fi
say
say "The report is in $report"
