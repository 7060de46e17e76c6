#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the consumer in each way in which a project can use the library, and checks what it gets.
# usage: test.sh [CMAKE OPTION...]
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
consumer=$source/tests/consumer
map=$source/host/include/lockstep.map
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CFLAGS LDFLAGS CMAKE_BUILD_TYPE DESTDIR

fail() { echo "consumer: $1" >&2; exit 1; }
# quiet COMMAND...: shows the output only if the command fails.
quiet() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "failed: $*"; }; }
# runs PROGRAM: it must train the same model in every build.
model=""
runs() {
    printed=$("$@") || fail "$1 does not run"
    echo "$printed"
    [ "${model:=$printed}" = "$printed" ] || fail "$1 trains another model than the first build"
}

# ---- As a subproject -----------------------------------------------------------------------------

for how in subdirectory fetch; do
    echo "-- $how"
    build=$work/$how
    quiet cmake -S "$consumer" -B "$build" -DHOW=$how -DLOCKSTEP_SOURCE="$source" "$@"
    quiet cmake --build "$build" -j 2
    runs "$build/consumer"
    programs=$(find "$build" -type f -perm -u+x ! -path '*/CMakeFiles/*' ! -name '*.so*' ! -name '*.a' -printf '%f ')
    [ "$programs" = "consumer " ] || fail "built more than the library: $programs"
    quiet cmake --install "$build" --prefix "$work/prefix-$how"
    [ -z "$(find "$work/prefix-$how" -type f 2>/dev/null)" ] || fail "a subproject installed files"
done

# Flags of the parent project that would change the arithmetic and the width of enums, and that would
# compile several sources as one.
echo "-- subdirectory with other arithmetic, unity build"
flags="-Ofast -ffast-math -funsafe-math-optimizations -fassociative-math -freciprocal-math"
flags="$flags -fno-signed-zeros -ffinite-math-only -fsingle-precision-constant -ffp-contract=fast -fshort-enums"
quiet cmake -S "$consumer" -B "$work/flags" -DHOW=subdirectory -DLOCKSTEP_SOURCE="$source" \
    -DCMAKE_C_FLAGS="$flags" -DFLAGS="$flags" -DCMAKE_UNITY_BUILD=ON "$@"
quiet cmake --build "$work/flags" -j 2
runs "$work/flags/consumer"

# Excess precision is refused with what to do.
if printf 'int main(void){return 0;}' | cc -m32 -mfpmath=387 -x c - -o /dev/null 2>/dev/null; then
    echo "-- x87"
    cc -std=c11 -m32 -mno-sse -mfpmath=387 -I"$source" -fsyntax-only -x c - >"$work/log" 2>&1 <<END && fail "x87 is not refused"
#include "kernels/arith.h"
END
    grep -q "build with -msse2 -mfpmath=sse" "$work/log" || fail "x87 is refused without what to do"
fi

# ---- Installed -----------------------------------------------------------------------------------

# installed NAME SHARED PKG-CONFIG-OPTION...
installed() {
    name=$1 shared=$2 static=$3
    shift 3
    prefix=$work/prefix-$name
    quiet cmake -S "$source" -B "$work/$name" -DBUILD_SHARED_LIBS="$shared" -DCMAKE_BUILD_TYPE=None \
        -DLOCKSTEP_PROGRAM=OFF -DLOCKSTEP_BENCH=OFF -DCMAKE_INSTALL_LIBDIR=lib "$@"
    quiet cmake --build "$work/$name" -j 2
    quiet cmake --install "$work/$name" --prefix "$work/first"
    mv "$work/first" "$prefix" # an installation can be moved

    headers=$(find "$prefix/include" -type f -printf '%f ')
    [ "$headers" = "lockstep.h " ] || fail "installed headers: $headers"

    echo "-- $name, find_package"
    quiet cmake -S "$consumer" -B "$work/$name-package" -DHOW=package -DCMAKE_PREFIX_PATH="$prefix" "$@"
    quiet cmake --build "$work/$name-package"
    runs "$work/$name-package/consumer"

    echo "-- $name, pkg-config"
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
    # shellcheck disable=SC2046,SC2086
    quiet cc $(pkg-config $static --cflags lockstep) "$consumer/main.c" -o "$work/$name-program" \
        $(pkg-config $static --libs lockstep)
    LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} runs "$work/$name-program"

    echo "-- $name, short enums"
    # shellcheck disable=SC2046,SC2086
    quiet cc -fshort-enums $(pkg-config $static --cflags lockstep) "$consumer/main.c" -o "$work/$name-short" \
        $(pkg-config $static --libs lockstep)
    LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} runs "$work/$name-short"
    module=$prefix/libexec/lockstep/lockstep-mpi.so
    if [ -e "$work/$name/lockstep-mpi.so" ]; then
        [ -e "$module" ] || fail "the module for MPI is not installed"
    fi
    # the library finds the module from where it lies itself; a program that contains it does not
    if [ "$shared" = ON ] && [ -e "$module" ] && command -v mpirun >/dev/null; then
        echo "-- $name, ranks"
        # shellcheck disable=SC2046,SC2086
        quiet cc $(pkg-config $static --cflags lockstep) "$consumer/ranks.c" -o "$work/$name-ranks" \
            $(pkg-config $static --libs lockstep)
        ranks "$work/$name-ranks"
    fi
    unset PKG_CONFIG_PATH
}
# ranks PROGRAM: two of its processes train the model that one trains.
ranks() {
    (
        export LD_LIBRARY_PATH="$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" LOCKSTEP_RANKS=shared
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm=isolated
        export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
        export OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none TMPDIR="$work"
        one=$("$1" 2>"$work/one") || { cat "$work/one"; exit 1; }
        two=$(timeout 100 mpirun -n 2 "$1" 2>"$work/two" </dev/null) || { cat "$work/two"; exit 1; }
        grep -q '^1 ranks' "$work/one" && grep -q '^2 ranks' "$work/two" && [ "$one" = "$two" ] ||
            { echo "one: $one"; echo "two: $two"; cat "$work/one" "$work/two"; exit 1; }
    ) || fail "two ranks of $1 do not train what one trains"
}
installed shared ON "" "$@"
installed static OFF --static "$@"

# ---- Symbols -------------------------------------------------------------------------------------

echo "-- symbols"
sed -n '/global:/,/local:/p' "$map" | grep -o 'ls_[a-z0-9_]*' | sort >"$work/listed"
nm -D --defined-only "$work/prefix-shared/lib/liblockstep.so" | sed -n 's/.* [TDBRVW] \([^@]*\).*/\1/p' |
    sort >"$work/exported"
diff -u "$work/listed" "$work/exported" || fail "exported symbols differ from lockstep.map"
foreign=$(nm -g --defined-only "$work/prefix-static/lib/liblockstep.a" | sed -n 's/.* [TDBRC] //p' | grep -v '^ls_' || true)
[ -z "$foreign" ] || fail "the static library defines names without the prefix ls_: $foreign"
echo "every way works"
