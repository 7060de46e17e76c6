/* SPDX-License-Identifier: MIT */
#include "host/cli/base/losses.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/model/model_file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool losses_check(losses *l, ls_status status, const ls_error *err)
{
    if (status == LS_OK) return true;
    complain(l->command, EXIT_FAILED, "%s", err->message);
    l->count++;
    return false;
}

/* A new folder, which nobody else can have prepared, with the model in it; NULL on failure. */
static char *save_in(const char *place, const ls_model *model, char hex[65], ls_error *err)
{
    ls_text folder = {0}, path = {0};
    ls_text_add(&folder, "%s/lockstep-model-XXXXXX", place);
    if (folder.failed) ls_fail(err, LS_ERR_MEMORY, "out of memory for the name of a folder");
    else if (!mkdtemp(folder.text))
        ls_fail(err, LS_ERR_IO, "%s: cannot create a folder there: %s", place, strerror(errno));
    else {
        ls_text_add(&path, "%s/model.safetensors", folder.text);
        ls_status status = path.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for a name")
                                       : ls_model_save_hashed(model, path.text, hex, err);
        if (status != LS_OK) {
            rmdir(folder.text);
            free(path.text);
            path.text = NULL;
        }
    }
    free(folder.text);
    return path.text;
}

char *losses_rescue(losses *l, const ls_model *model, const char *beside, char hex[65])
{
    const char *const places[] = {beside, getenv("TMPDIR"), "/tmp"};
    char *path = NULL;
    ls_error err;
    for (size_t i = 0; i < sizeof places / sizeof *places && !path; i++)
        if (places[i] && *places[i]) path = save_in(places[i], model, hex, &err);
    if (path) complain(l->command, EXIT_FAILED, "the model is in %s instead", path);
    else losses_check(l, LS_ERR_IO, &err);
    return path;
}
