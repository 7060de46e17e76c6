/* SPDX-License-Identifier: MIT */
/* Compares two model files that differ. */
#ifndef LS_CLI_COMPARE_MODELS_H
#define LS_CLI_COMPARE_MODELS_H

#include "host/cli/run/file_pair.h"

/* Describes the first difference: tensor, element, values and their distance, or the entry of the
 * metadata. The bytes of both files have been read. */
void compare_models(file_pair *pair);

#endif
