#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs clang-tidy (.clang-tidy) and cppcheck (.ci/cppcheck-suppressions) on the C files of a build.
# usage: analyze.sh BUILD [PATTERN]   BUILD has a compile_commands.json; PATTERN selects files
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
pattern=${2:-.}
cores=$(nproc 2>/dev/null || echo 2)
status=0

# Generated files are left out, and tests: Criterion's macros are what most reports would be about.
files=$(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" | sort -u |
    grep -E "^$PWD/(bench|core_cpu|host)/" | grep -E "$pattern")

tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || { echo "clang-tidy is not installed"; exit 1; }
echo "$files" | xargs -P "$cores" -n 1 "$tidy" --quiet -p "$build" 2>/dev/null >build/clang-tidy.log || status=1
sed "s|^$PWD/||" build/clang-tidy.log
echo "clang-tidy: $(grep -cE '(warning|error): ' build/clang-tidy.log) findings in $(echo "$files" | wc -l) files"

# $files holds one path per line without spaces.
# shellcheck disable=SC2086
cppcheck --quiet -j "$cores" --std=c11 --enable=warning,performance,portability --inline-suppr \
    --suppressions-list=.ci/cppcheck-suppressions --error-exitcode=1 --template=gcc -D_GNU_SOURCE -DLS_OPENCL \
    -I . $files 2>build/cppcheck.log || status=1
sed "s|^$PWD/||" build/cppcheck.log
echo "cppcheck: $(grep -cE '(warning|error|style|performance|portability): ' build/cppcheck.log) findings"
exit $status
