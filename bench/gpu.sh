#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds, checks and measures Lockstep on a machine with an OpenCL device, in one command and in at
# most eight minutes, and writes one report: a page with a verdict on each aim, then the details.
# Needs a C compiler, CMake and OpenCL headers (CL/cl.h); nothing is downloaded. The page and the
# peers need python3; PyTorch, JAX, the libraries of the program lockstep (popt, jansson) and
# Criterion are used if they are installed.
#
#   bench/gpu.sh [DEVICE] [REPORT]     DEVICE: as for --device (default: the first GPU)
#                                      REPORT: a file (default: gpu-report.txt)
#   MINUTES=20 bench/gpu.sh …          time limit; parts that would start later are left out
#
# Beside the report lies a trace of what was built, tried and chosen: gpu-report-trace.txt.
#
# The report is complete after each part, so it can be read while it grows, or after an interruption.
set -u
device=${1:-}
report=${2:-gpu-report.txt}
case $report in /*) ;; *) report=$PWD/$report ;; esac
cd "$(dirname "$0")/.." || exit 1
build=$PWD/build/gpu
details=$build/report-details.txt
end=$(($(date +%s) + 60 * ${MINUTES:-8}))
mkdir -p "$build" || exit 1
: >"$report" || exit 1
: >"$details" || exit 1
say() { echo "$@" | tee -a "$details"; }
left() { echo $((end - $(date +%s))); }
now() { date +%s.%N; }

# Writes the report: the page of what is known so far, and the details.
write_report() {
    {
        python3 bench/gpu_page.py "$details" 2>/dev/null || echo "(the page needs python3)"
        echo
        echo "---- Details ----"
        cat "$details"
    } >"$report.new" && mv "$report.new" "$report"
}

# part NAME SECONDS COMMAND…: runs the command for at most SECONDS, or not at all after the time limit
part() {
    name=$1 limit=$2
    shift 2
    if [ "$(left)" -lt 10 ]; then skip "$name" "no time left"; return; fi
    [ "$(left)" -lt "$limit" ] && limit=$(left)
    say "== $name"
    say "\$ $*"
    started=$(now)
    timeout -k 5 "$limit" "$@" >"$build/part.txt" 2>&1
    status=$?
    took=$(echo "$(now) $started" | awk '{ printf "%.2f", $1 - $2 }')
    tee -a "$details" <"$build/part.txt"
    case $status in
    0) say "(took $took s)" ;;
    124 | 137) say "(stopped after $took s)" ;;
    *) say "(ended with status $status)" ;;
    esac
    say
    write_report
}
skip() {
    say "== $1"
    say "(not run: $2)"
    say
    write_report
}

# ---- The driver and the loader ---------------------------------------------------------------------------------------

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


# ---- Building --------------------------------------------------------------------------------------------------------

headers=
if [ ! -e /usr/include/CL/cl.h ] && [ ! -e /usr/local/cuda/include/CL/cl.h ] && [ ! -e "${CUDA_HOME:-/nowhere}/include/CL/cl.h" ]; then
    found=$(find_file 'CL/cl.h')
    headers=${found%/CL/cl.h}
fi
jobs=$(nproc 2>/dev/null || echo 4)
log=$build/build.log
{ cmake -S . -B "$build" -DLOCKSTEP_TESTS=OFF ${headers:+-DOPENCL_HEADERS="$headers"} && cmake --build "$build" -j "$jobs" --target lockstep-bench; } >"$log" 2>&1 ||
    { tail -n 30 "$log"; say "The build failed, see $log"; exit 1; }
cmake --build "$build" -j "$jobs" >>"$log" 2>&1 || say "(the rest was not built, see $log)"
grep -A 2 -e 'CL/cl.h not found' -e 'the program lockstep is not built' "$log" | tee -a "$details"
bench=$build/lockstep-bench
program=$build/lockstep

# What the driver and Lockstep keep between runs is kept here, so that the first look at the device is
# one, and the user's own choice of tiles stays as it is.
rm -rf "$build/cache"
mkdir -p "$build/cache"
export XDG_CACHE_HOME="$build/cache" CUDA_CACHE_PATH="$build/cache/nv" POCL_CACHE_DIR="$build/cache/pocl"
export NEO_CACHE_DIR="$build/cache/neo" MESA_SHADER_CACHE_DIR="$build/cache/mesa"

# what is built, tried and chosen, with times
export LOCKSTEP_TRACE="${report%.txt}-trace.txt"
rm -f "$LOCKSTEP_TRACE"

say "Lockstep $(git rev-parse --short HEAD 2>/dev/null) on $(uname -sm), $(date -u +%Y-%m-%d), $(${CC:-cc} --version | head -n 1)"
say "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1), $jobs processors"
command -v nvidia-smi >/dev/null 2>&1 &&
    say "$(nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,clocks.max.mem,power.limit --format=csv,noheader)"

# ---- The parts, the most important first -----------------------------------------------------------------------------

# Self-checks the devices and lists which are exact.
part self-check 120 "$bench" devices
# a slow driver: what it has compiled is kept
grep -q '^[0-9][0-9]*  ' "$details" || part self-check-again 120 "$bench" devices
[ -n "$device" ] || device=$(sed -n 's/^\([0-9]*\)  gpu: .*/\1/p' "$details" | head -n 1)
[ -n "$device" ] || { device=1; say "(no GPU found: using device 1)"; }
case $device in # a part of a name: the index of the first such device
*[!0-9]*) device=$(grep '^[0-9]*  ' "$details" | grep -F -i -e "$device" | head -n 1 | sed 's/ .*//') ;;
esac
line=$(grep "^$device  " "$details" | head -n 1)
[ -n "$line" ] || { say "Device $device was not found by the self-check"; exit 1; }
say "device under test: $line"
gpu=$(echo "$line" | grep -c "^$device  gpu: ")
# epochs of whole runs (middle and large network) and of fleets (of 1000 and 8192)
if [ "$gpu" -gt 0 ]; then epochs='10 3 500 100'; else epochs='2 1 100 20'; fi
# shellcheck disable=SC2086
set -- $epochs

part "hash cpu" 60 "$bench" hash --device cpu
part "hash device" 100 "$bench" hash --device "$device"

# the networks whose steps are timed: widths, rows per step, optimizer; full batch if rows are given
steps() {
    part "$1 784-128-10-128" 30 "$bench" step --device "$2" --network 784-128-10 --batch 128
    part "$1 784-512-512-10-256" 30 "$bench" step --device "$2" --network 784-512-512-10 --batch 256
    part "$1 2-20-20-1-400" 30 "$bench" step --device "$2" --network 2-20-20-1 --batch 400 --rows 400 --optimizer gd
    part "$1 784-2048-2048-10-512" 30 "$bench" step --device "$2" --network 784-2048-2048-10 --batch 512 --repeat 5
    large "$1 784-4096-4096-10-4096" 60 "$bench" step --device "$2" --network 784-4096-4096-10 --batch 4096 --repeat 3
}
# large PART…: a part that takes minutes on a processor
large() {
    if [ "$gpu" -gt 0 ]; then part "$@"; else skip "$1" "too large for a device that is no GPU"; fi
}
products() {
    large "${1}matmul" 40 "$bench" matmul --device "$device" --peer none --seconds 0.1 --repeat 5 --shape 4096,4096,4096
}

steps step "$device"
products ""
part elementwise 60 "$bench" elementwise --device "$device" --seconds 0.02 --repeat 3

# Peers: PyTorch and JAX where they find the GPU; without them, the CPU path alone.
torch='' fleets='' jax=''
if command -v python3 >/dev/null 2>&1 && [ "$(left)" -gt 30 ]; then
    if timeout 60 python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
        torch=torch-graph,torch-graph-tf32
        fleets='torch-bmm-graph'
    else
        say "(python3 has no PyTorch with CUDA: the device is compared with the CPU path only)"
    fi
    timeout 60 python3 -c 'import jax; assert jax.default_backend() == "gpu"' 2>/dev/null && jax=,jax-scan fleets=$fleets,jax-vmap
fi
beside() { # NAME LIMIT WHAT PEERS OPTIONS…
    name=$1 limit=$2 what=$3 peers=$4
    shift 4
    part "$name" "$limit" python3 bench/side_by_side.py "$what" --device "$device" --bench "$bench" --peer-device cuda --peers "$peers" "$@"
}
beside "fleet 1000" 45 fleet "$fleets" --members 1000 --epochs "$3" --rounds 2
beside "fleet 8192" 60 fleet "$fleets" --members 8192 --epochs "$4" --rounds 2

# Whole runs of the program, on rows of the size of MNIST's and on a small table.
if [ -x "$program" ]; then
    data=$build/data
    mkdir -p "$data"
    { printf '\0\0\010\003\0\0\352\140\0\0\0\034\0\0\0\034'; seq 1 12000000 | head -c 47040000; } >"$data/train-images-idx3-ubyte"
    { printf '\0\0\010\001\0\0\352\140'; i=0; while [ $i -lt 6000 ]; do printf '\0\1\2\3\4\5\6\7\10\11'; i=$((i + 1)); done; } \
        >"$data/train-labels-idx1-ubyte"
    "$program" make classification --rows 5404 --features 5 --classes 2 -o "$data/table.csv" >/dev/null 2>&1
    train() { # HOW DEVICE LIMIT NETWORK HIDDEN BATCH EPOCHS
        part "train $4 $1" "$3" "$program" train "$data/train-images-idx3-ubyte" --device "$2" --hidden "$5" --batch "$6" --epochs "$7" --patience 0 --optimizer adam --l2 0 --schedule constant
    }
    search() {
        part "search $1" 40 "$program" search "$data/table.csv" --device "$2" --trials 60 --folds 5 --epochs 20 \
            --hidden '16|32|32,32' --lr 1e-3..1e-1:log --batch 32 --patience 0 --optimizer adam --l2 0 --schedule constant
    }
    train auto auto 30 784-512-512-10 512,512 256 "$1"
    train forced "$device" 30 784-512-512-10 512,512 256 "$1"
    train cpu cpu 30 784-512-512-10 512,512 256 "$1"
    search device "$device"
    search cpu cpu
    train auto auto 40 784-2048-2048-10 2048,2048 512 "$2"
    train forced "$device" 40 784-2048-2048-10 2048,2048 512 "$2"
    train cpu cpu 40 784-2048-2048-10 2048,2048 512 "$2"
else
    say "(the program lockstep is not built: no train, no search)"
fi

# The tests, where Criterion is installed.
if pkg-config --exists criterion 2>/dev/null; then
    part "tests" 100 sh -c "cmake -S . -B '$build' -DLOCKSTEP_TESTS=ON >'$log' 2>&1 && cmake --build '$build' -j $jobs >>'$log' 2>&1 &&
        cd '$build' && LOCKSTEP_REQUIRE_OPENCL=1 ctest -j 4 --timeout 100 -R '^test_(parity|variants|ways|ways_grouped|runs|fleet|oracle|cells|workspace)$'"
else
    skip "tests" "Criterion is not installed"
fi

for case in 784-128-10:128 784-512-512-10:256 784-2048-2048-10:512; do
    beside "peers $(echo "$case" | tr : -)" 50 steps "$torch$jax" --case "$case" --rounds 3
done
if [ "$gpu" -gt 0 ]; then beside "peers 784-4096-4096-10-4096" 60 steps "$torch$jax" --case 784-4096-4096-10:4096 --rounds 3; fi
beside "peers 2-20-20-1-400" 45 small "$torch$jax" --case 2-20-20-1:400:gd:relu --rounds 5
command -v python3 >/dev/null 2>&1 || steps cpu cpu
part small 40 "$bench" small --device "cpu,$device" --repeat 3 --seconds 0.05

part choose 90 "$bench" choose --up-to 128 --repeat 2
part tune 120 "$bench" tune --device "$device"
part "hash tuned" 60 "$bench" hash --device "$device"
products "tuned "
steps tuned "$device"
part epoch 30 "$bench" epoch --device "$device" --repeat 3
part matmul-sizes 40 "$bench" matmul --device "$device" --peer none --seconds 0.05 --repeat 3
part sweep 100 "$bench" sweep --device "$device" --out "${report%.txt}-sweep"

sed '/^---- Details ----$/,$d' "$report"
echo "The report is in $report"
