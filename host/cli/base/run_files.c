/* SPDX-License-Identifier: MIT */
#include "host/cli/base/run_files.h"
#include "host/base/text.h"
#include <stdlib.h>

const char *const run_file_names[RUN_FILES] = {"run.json", "metrics.jsonl", "model.safetensors",
                                               "report.html", "timing.jsonl"};

char *run_file_path(const char *folder, int file)
{
    ls_text path = {0};
    ls_text_add(&path, "%s/%s", folder, run_file_names[file]);
    if (!path.failed) return path.text;
    free(path.text);
    return NULL;
}
