/* SPDX-License-Identifier: MIT */
#include "tests/support/runner/criterion/criterion.h"
