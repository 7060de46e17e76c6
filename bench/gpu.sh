#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds, checks and measures Lockstep on a machine with an OpenCL device, in one command, in about
# eight minutes, and writes one report. Needs a C compiler, CMake and OpenCL headers (CL/cl.h). Uses
# python3 with PyTorch if they are installed.
#
#   bench/gpu.sh [DEVICE] [REPORT]     DEVICE: as for --device (default: the first GPU)
#                                      REPORT: a file (default: gpu-report.txt)
#   MINUTES=20 bench/gpu.sh …          time limit; parts that would start later are skipped
set -u
device=${1:-}
report=${2:-gpu-report.txt}
case $report in /*) ;; *) report=$PWD/$report ;; esac
cd "$(dirname "$0")/.." || exit 1
build=$PWD/build/gpu
end=$(($(date +%s) + 60 * ${MINUTES:-8}))
: >"$report" || exit 1
say() { echo "$@" | tee -a "$report"; }
left() { echo $((end - $(date +%s))); }

# run SECONDS COMMAND…: runs the command for at most SECONDS, or skips it after the time limit
run() {
    limit=$1
    shift
    say
    say "\$ $*"
    if [ "$(left)" -lt 10 ]; then say "(no time left)"; return; fi
    [ "$(left)" -lt "$limit" ] && limit=$(left)
    { timeout -k 5 "$limit" "$@" 2>&1 || echo "(ended with $?; 124: stopped after $limit s)"; } | tee -a "$report"
}

# Prints the first file whose path ends with $1. Containers often mount drivers in unusual places.
find_file() {
    find / \( -path /proc -o -path /sys -o -path "$PWD" \) -prune -o -path "*/$1" -print 2>/dev/null | grep -v -e '/lib32/' -e 'i386' | head -n 1
}

# A container may have NVIDIA's driver without a vendor file for the OpenCL loader. Existing vendor
# files are kept.
if ! grep -qs nvidia /etc/OpenCL/vendors/*.icd && [ -z "${OCL_ICD_VENDORS:-}${OCL_ICD_FILENAMES:-}" ]; then
    library=$(find_file 'libnvidia-opencl.so.1')
    if [ -n "$library" ]; then
        mkdir -p "$build/vendors"
        cp /etc/OpenCL/vendors/*.icd "$build/vendors/" 2>/dev/null
        echo "$library" >"$build/vendors/nvidia.icd"
        export OCL_ICD_VENDORS="$build/vendors"
        say "(NVIDIA's OpenCL driver is $library; no vendor file names it)"
    fi
fi
# The OpenCL loader: if the system has none, CUDA may include one.
if ! ldconfig -p 2>/dev/null | grep -q 'libOpenCL\.so\.1'; then
    library=$(find_file 'libOpenCL.so.1*')
    if [ -n "$library" ]; then
        mkdir -p "$build/lib"
        ln -sf "$library" "$build/lib/libOpenCL.so.1"
        export LD_LIBRARY_PATH="$build/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    fi
fi

headers=
if [ ! -e /usr/include/CL/cl.h ] && [ ! -e /usr/local/cuda/include/CL/cl.h ] && [ ! -e "${CUDA_HOME:-/nowhere}/include/CL/cl.h" ]; then
    found=$(find_file 'CL/cl.h')
    headers=${found%/CL/cl.h}
fi
# the cache folder, which stores the tiles chosen by the tuner
[ -n "${HOME:-}${XDG_CACHE_HOME:-}" ] || export XDG_CACHE_HOME="$build/cache"
jobs=$(nproc 2>/dev/null || echo 4)
{ cmake -S . -B "$build" ${headers:+-DOPENCL_HEADERS="$headers"} && cmake --build "$build" -j "$jobs" --target lockstep-bench; } >"$report.build" 2>&1 ||
    { tail -n 30 "$report.build"; say "The build failed, see $report.build"; exit 1; }
grep -A 2 'CL/cl.h not found' "$report.build" | tee -a "$report"
rm -f "$report.build"
bench=$build/lockstep-bench

say "Lockstep $(git rev-parse --short HEAD 2>/dev/null) on $(uname -sm), $(date -u +%Y-%m-%d), $(${CC:-cc} --version | head -n 1)"
say "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1), $jobs processors"
command -v nvidia-smi >/dev/null 2>&1 &&
    say "$(nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,clocks.max.mem,power.limit --format=csv,noheader)"
# Self-checks devices used for the first time (a driver may take a minute to compile the kernels) and
# lists which are exact.
run 120 "$bench" devices
if [ -z "$device" ]; then
    device=$("$bench" devices | sed -n 's/^\([0-9]*\)  gpu: .*/\1/p' | head -n 1)
    [ -n "$device" ] || { device=1; say "(no GPU found: using device 1)"; }
fi

say
say "Whole runs: the device's bits against the CPU path's"
cpu=$(timeout 120 "$bench" hash --device cpu 2>&1 | tail -n 1)
say "CPU path  $cpu"
# same WHEN: compares the device's hash with the CPU path's
same() {
    now=$(timeout 120 "$bench" hash --device "$device" 2>&1 | tail -n 1)
    say "device $device  $now"
    case $now in
    "$cpu") say "EQUAL $1" ;;
    all*) say "DIFFERENT $1: please report this" ;;
    *) say "The device failed"; exit 1 ;;
    esac
}
same "before tuning"
run 150 "$bench" tune --device "$device"
same "after tuning"

large=784-4096-4096-10
run 60 "$bench" step --device "$device" --network $large --batch 4096
if ! command -v python3 >/dev/null 2>&1; then
    run 60 "$bench" step --device cpu --network $large --batch 4096 --repeat 3
else
    compiled=torch,torch-compile
    eager=torch # compiling takes a minute per network
    if ! python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
        say
        say "(python3 has no PyTorch with CUDA: the device is compared with the CPU path only)"
        compiled='' eager=''
    fi
    run 150 python3 bench/side_by_side.py --device "$device" --bench "$bench" --torch-device cuda --peers "$compiled" \
        --case $large:4096 --rounds 7
    run 90 python3 bench/side_by_side.py --device "$device" --bench "$bench" --torch-device cuda --peers "$eager" \
        --case 784-128-10:128 --case 784-512-512-10:256 --case 784-2048-2048-10:512 --rounds 5
fi
run 60 "$bench" matmul --device "$device" --peer none --seconds 0.05 --repeat 5
for case in "784-128-10 128" "784-512-512-10 256" "784-2048-2048-10 512"; do
    run 30 "$bench" step --device "$device" --network "${case% *}" --batch "${case#* }"
done
run 60 "$bench" epoch --device "$device" --repeat 3
run 60 "$bench" elementwise --device "$device" --seconds 0.05 --repeat 3
run 120 "$bench" sweep --device "$device" --out "${report%.txt}-sweep"
say
say "The report is in $report"
