# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154,SC2030,SC2031,SC2034,SC2086
# The tiers of ./check. needs_NAME collects the packages that a tier needs; tier_NAME runs it and
# returns 0 if it passed.

# Tests run with the assertions of the code under test.
with_tests="-DLOCKSTEP_TESTS=ON -DLOCKSTEP_ASSERTIONS=ON"

# ---- Helpers -------------------------------------------------------------------------------------

# build FOLDER [CMAKE OPTION...]: configures and builds. The target is $target, all by default.
build() {
    folder=$1; shift
    log=build/$(basename "$folder").log
    mkdir -p build
    if cmake -S . -B "$folder" -DLOCKSTEP_WERROR=ON "$@" >"$log" 2>&1 &&
        cmake --build "$folder" -j "$(cores)" ${target:+--target $target} >>"$log" 2>&1; then
        return 0
    fi
    grep -E -A 5 'warning:|error:|Error ' "$log" | head -n 60
    echo "The build failed; its output is in $log." >&2
    return 1
}

# run_tests FOLDER [CTEST OPTION...]: runs the tests of a build, all or those named by --only.
run_tests() {
    folder=$1; shift
    # PoCL turns integer division by zero into its own error unless told otherwise. Its compiled
    # kernels are kept for all builds, Lockstep's own cache for each.
    export POCL_SIGFPE_HANDLER=0
    export POCL_CACHE_DIR="$PWD/build/check/pocl-cache" XDG_CACHE_HOME="$PWD/$folder/cache"
    mkdir -p "$POCL_CACHE_DIR" "$XDG_CACHE_HOME"
    # Drivers and their compilers keep memory until the process ends: only leaks of this project
    # count. Drivers also replace the sanitizer's signal stacks on threads that end early.
    export LSAN_OPTIONS="suppressions=$PWD/tests/support/leaks.supp:print_suppressions=0"
    export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:use_sigaltstack=0"
    # As many tests at once as there are cores; of each, one case at a time unless it may be alone.
    [ -n "$only" ] || export CRITERION_JOBS=1
    (cd "$folder" && ctest -j "$(cores)" --output-on-failure --no-tests=error "$@" ${only:+-R "$only"})
}

# The same on a machine without an OpenCL driver. OCL_ICD_VENDORS is read by the loaders.
without_driver() { (unset LOCKSTEP_REQUIRE_OPENCL; export OCL_ICD_VENDORS=/nonexistent; "$@"); }

# The same on a machine without an OpenCL loader: empty files stand in for it, which do not load.
without_loader() {
    (
        unset LOCKSTEP_REQUIRE_OPENCL
        mkdir -p build/no-loader
        : >build/no-loader/libOpenCL.so.1
        : >build/no-loader/libOpenCL.so
        export LD_LIBRARY_PATH="$PWD/build/no-loader${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        "$@"
    )
}

# same_hashes NAME COMMAND...: whether the runs of lockstep-bench hash end in the weights that a
# native build gives.
same_hashes() {
    name=$1; shift
    (target=lockstep-bench && build build/native) || return 1
    here=$(build/native/lockstep-bench hash) && there=$("$@") || return 1
    echo "$there"
    [ "$here" = "$there" ] && return 0
    echo "$name gives other weights than the native build:"
    echo "$here"
    return 1
}

# The closing line of a tier that is one check.
report() {
    if "$@"; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; return 1; fi
}

needs_criterion() {
    need libcriterion-dev has_header criterion/criterion.h
    need gnuplot-nox command -v gnuplot
    need python3 command -v python3
}

# ---- Tests ---------------------------------------------------------------------------------------

# Open MPI, for the module of several machines and its tests.
needs_mpi() {
    need libopenmpi-dev command -v mpicc
    need openmpi-bin command -v mpirun
}

needs_tests() { need_build_tools; needs_criterion; needs_mpi; }
tier_tests() {
    build build/check $with_tests || return 1
    if has_icd; then export LOCKSTEP_REQUIRE_OPENCL=1; fi
    run_tests build/check
}

needs_quick() { need_compiler; needs_criterion; }
tier_quick() {
    build build/check $with_tests && without_loader run_tests build/check -L quick
}

needs_sanitize() { needs_tests; }
tier_sanitize() {
    build build/sanitize $with_tests -DLOCKSTEP_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo || return 1
    if has_icd; then export LOCKSTEP_REQUIRE_OPENCL=1; fi
    run_tests build/sanitize -LE source
}

# Drivers run threads of their own, which are not compiled for ThreadSanitizer: only the CPU path.
needs_thread() { need_compiler; }
tier_thread() {
    build build/thread $with_tests -DLOCKSTEP_SANITIZE_THREAD=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo || return 1
    export TSAN_OPTIONS="halt_on_error=0:second_deadlock_stack=1"
    without_loader run_tests build/thread -L threads
}

needs_no_opencl() { needs_quick; need ocl-icd-libopencl1 has_library libOpenCL.so.1; }
tier_no_opencl() {
    build build/check $with_tests && build build/no-opencl $with_tests -DLOCKSTEP_OPENCL=OFF || return 1
    status=0
    echo "-- without a driver"
    without_driver run_tests build/check -LE source || status=1
    echo "-- without a loader"
    without_loader run_tests build/check -LE source || status=1
    echo "-- built without OpenCL"
    run_tests build/no-opencl -LE source || status=1
    [ "$status" -eq 0 ]
}

# ---- Other compilers and processors --------------------------------------------------------------

needs_clang() { need_compiler; needs_criterion; need clang command -v clang; }
tier_clang() {
    (export CC=clang; build build/clang $with_tests) || return 1
    same_hashes clang build/clang/lockstep-bench hash && without_loader run_tests build/clang -L quick -LE source
}

# Libraries of the other processor are not installed: these builds have neither OpenCL nor jansson,
# and whole runs of the CPU path are what they can show.
foreign_build() {
    folder=$1; shift
    (export PKG_CONFIG_LIBDIR=/nonexistent; target=lockstep-bench
     build "$folder" -DLOCKSTEP_OPENCL=OFF -DCMAKE_SYSTEM_NAME=Linux "$@")
}

# foreign PROCESSOR TRIPLET QEMU SUFFIX: the hashes of a build by the cross compiler, on an emulator.
needs_foreign() {
    need_compiler
    need "gcc-$2" command -v "$2-gcc"
    need "libc6-dev-$4-cross" test -e "/usr/$2/include/stdio.h"
    need qemu-user command -v "qemu-$3"
}
foreign() {
    foreign_build "build/$1" -DCMAKE_SYSTEM_PROCESSOR="$1" -DCMAKE_C_COMPILER="$2-gcc" || return 1
    report same_hashes "$1" "qemu-$3" -L "/usr/$2" "build/$1/lockstep-bench" hash --threads 2
}
needs_aarch64() { needs_foreign aarch64 aarch64-linux-gnu aarch64 arm64; }
tier_aarch64() { foreign aarch64 aarch64-linux-gnu aarch64; }
needs_armhf() { needs_foreign armv7l arm-linux-gnueabihf arm armhf; }
tier_armhf() { foreign armv7l arm-linux-gnueabihf arm; }
needs_riscv64() { needs_foreign riscv64 riscv64-linux-gnu riscv64 riscv64; }
tier_riscv64() { foreign riscv64 riscv64-linux-gnu riscv64; }
# Big-endian.
needs_s390x() { needs_foreign s390x s390x-linux-gnu s390x s390x; }
tier_s390x() { foreign s390x s390x-linux-gnu s390x; }

# The package gcc-multilib cannot be installed beside the cross compilers of other processors. The
# package for one version of gcc can, but leaves out the link to the headers <asm/...>.
i386_flags="-m32 -msse2 -mfpmath=sse -idirafter /usr/include/x86_64-linux-gnu"
needs_i386() {
    need_compiler
    need "gcc-$(cc -dumpversion 2>/dev/null || echo 12)-multilib" sh -c \
        "printf '#include <errno.h>\nint main(void){return 0;}' | cc $i386_flags -x c - -o /dev/null"
}
tier_i386() {
    foreign_build build/i386 -DCMAKE_SYSTEM_PROCESSOR=i386 -DCMAKE_C_FLAGS="$i386_flags" || return 1
    report same_hashes i386 build/i386/lockstep-bench hash --threads 2
}

# The oldest and the newest compilers of Debian 12, and builds without optimisation, with that of the
# whole program, and on another C library: one hash. Each line: name, compiler, options of CMake.
compilers="gcc-11 gcc-12 clang-13 clang-19"
needs_compilers() {
    need_compiler
    for compiler in $compilers; do need "$compiler" command -v "$compiler"; done
    need musl-tools command -v musl-gcc
}
compiled() {
    name=$1 compiler=$2; shift 2
    echo "-- $name"
    if (target=lockstep-bench && build "build/compiled/$name" -DCMAKE_C_COMPILER="$compiler" "$@") &&
        same_hashes "$name" "build/compiled/$name/lockstep-bench" hash --threads 2 >build/compiled/"$name".hash; then
        passed=$((passed + 1))
    else
        cat "build/compiled/$name.hash"; failed=$((failed + 1))
    fi
}
tier_compilers() {
    mkdir -p build/compiled
    passed=0; failed=0
    for compiler in $compilers; do compiled "$compiler" "$compiler"; done
    compiled O0 cc -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0
    compiled O3-native cc -DCMAKE_C_FLAGS_RELEASE="-O3 -march=native"
    compiled lto gcc -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
    (export PKG_CONFIG_LIBDIR=/nonexistent; compiled musl musl-gcc -DLOCKSTEP_OPENCL=OFF -DBUILD_SHARED_LIBS=OFF
     echo "$passed $failed" >build/compiled/musl.count)
    read -r passed failed <build/compiled/musl.count
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# ---- Fuzzing -------------------------------------------------------------------------------------

needs_fuzz() {
    need_compiler
    need clang command -v clang
    need libclang-rt-dev sh -c 'printf "int LLVMFuzzerTestOneInput(const char *b, unsigned long n){(void)b;return n==1;}" | clang -x c - -fsanitize=fuzzer -o /dev/null'
}
tier_fuzz() {
    parsers="csv idx npy npz gzip model checkpoint config"
    (export CC=clang
     # shellcheck disable=SC2086
     target="$(printf 'fuzz_%s ' $parsers)"
     build build/fuzz -DLOCKSTEP_FUZZ=ON -DLOCKSTEP_OPENCL=OFF) || return 1
    passed=0; failed=0
    for parser in $parsers; do
        log=build/fuzz/$parser.log
        mkdir -p "build/fuzz/found/$parser"
        # New inputs go to the first folder; -timeout: seconds that one input may take.
        dictionary=""
        [ -f "tests/fuzz/$parser.dict" ] && dictionary="-dict=tests/fuzz/$parser.dict"
        # shellcheck disable=SC2086
        if "build/fuzz/tests/fuzz/fuzz_$parser" $dictionary -max_total_time="${FUZZ_SECONDS:-12}" -timeout=10 \
            -rss_limit_mb=4096 -max_len=8192 -print_final_stats=1 -artifact_prefix="build/fuzz/$parser-" \
            "build/fuzz/found/$parser" "tests/fuzz/corpus/$parser" >"$log" 2>&1; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1)); tail -n 40 "$log"
        fi
        echo "$parser: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions"
    done
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# ---- Source files --------------------------------------------------------------------------------

needs_style() {
    need clang-format-14 command -v clang-format-14
    need shellcheck command -v shellcheck
}
tier_style() { report .ci/style.sh; }

needs_analyze() {
    need_compiler
    needs_criterion
    need clang-tidy-14 command -v clang-tidy-14
    need cppcheck command -v cppcheck
}
tier_analyze() {
    build build/check $with_tests -DCMAKE_EXPORT_COMPILE_COMMANDS=ON && report .ci/analyze.sh build/check
}

needs_races() { need_compiler; need oclgrind command -v oclgrind; }
tier_races() { build build/native && report .ci/races.sh build/native; }
