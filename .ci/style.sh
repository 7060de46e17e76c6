#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that C files are formatted as clang-format 14 formats them and that shellcheck accepts the
# scripts. A missing tool is skipped; without clang-format the exit status is 77, which ctest reports
# as skipped.
cd "$(dirname "$0")/.." || exit 1
status=0
if command -v shellcheck >/dev/null 2>&1; then
    # shellcheck disable=SC2046
    shellcheck -S warning check demo .ci/run $(find .ci bench tests -name '*.sh') || status=1
fi
format=""
for name in clang-format-14 clang-format; do
    "$name" --version 2>/dev/null | grep -q 'version 14\.' && format=$name && break
done
if [ -z "$format" ]; then
    echo "clang-format 14 is not installed: formatting is not checked"
    [ "$status" -eq 0 ] && exit 77
    exit 1
fi
files=$(find bench core_cpu host kernels tests -name '*.[ch]' -o -name '*.cl' -o -name '*.inc')
# shellcheck disable=SC2086
wrong=$("$format" --dry-run -Werror $files 2>&1 | sed -n 's/^\([^ :]*\):[0-9].*error:.*/\1/p' | sort -u)
for file in $wrong; do
    echo "$file: not formatted; run $format -i $file"
    status=1
done
exit $status
