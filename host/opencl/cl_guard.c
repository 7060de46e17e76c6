/* SPDX-License-Identifier: MIT */
/* The file "programs" of a device has a line per program: "ok HASH", or "out HASH WHY". Lines are
 * appended in one piece, as several processes may do so at once; lines of another form are ignored.
 */
#include "host/opencl/cl_guard.h"
#include "host/base/file.h"
#include "host/opencl/cl_binary.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_helper.h"
#include "host/opencl/cl_sources.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { UNKNOWN, BUILDS, OUT } knowledge;

static knowledge recall(const ls_cl_device *d, const char *id, char why[160])
{
    char path[LS_CL_PATH], *text, *rest = NULL;
    size_t size;
    knowledge known = UNKNOWN;
    ls_cl_cache_path(&d->info, "programs", path, false);
    if (!*path || ls_read_file(path, &text, &size, NULL) != LS_OK) return UNKNOWN;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        bool ok = !strncmp(line, "ok ", 3), out = !strncmp(line, "out ", 4);
        const char *at = line + (ok ? 3 : 4);
        if ((!ok && !out) || strncmp(at, id, 32)) continue;
        if (ok && !at[32]) known = BUILDS;
        if (out && at[32] == ' ') {
            known = OUT;
            snprintf(why, 160, "%.159s", at + 33);
        }
    }
    free(text);
    return known;
}

/* why_not: NULL if it builds. */
static void remember(const ls_cl_device *d, const char *id, const char *why_not)
{
    char path[LS_CL_PATH], line[256], known[160];
    if (recall(d, id, known) == (why_not ? OUT : BUILDS)) return;
    ls_cl_cache_path(&d->info, "programs", path, true);
    int n = why_not ? snprintf(line, sizeof line, "out %s %.159s\n", id, why_not)
                    : snprintf(line, sizeof line, "ok %s\n", id);
    int file = *path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)
                     : -1;
    if (file < 0) return;
    ssize_t written = write(file, line, (size_t)n);
    (void)written; /* it is tried again another time */
    close(file);
}

void ls_cl_guard_note(ls_cl_device *d, const char *source, size_t size, const char *options)
{
    char id[33];
    ls_cl_program_id(source, size, options, id);
    pthread_mutex_lock(&d->noting);
    ls_text_add(&d->noted, "%s", id);
    pthread_mutex_unlock(&d->noting);
}

void ls_cl_guard_keep(ls_cl_device *d, bool good)
{
    pthread_mutex_lock(&d->noting);
    for (size_t i = 0; good && !d->noted.failed && i + 32 <= d->noted.length; i += 32) {
        char id[33];
        snprintf(id, sizeof id, "%.32s", d->noted.text + i);
        remember(d, id, NULL);
    }
    free(d->noted.text);
    d->noted = (ls_text){0};
    pthread_mutex_unlock(&d->noting);
}

/* Builds a program in a helper. False if there is no helper; otherwise *status is what came of it.
 * The kernels of products are only built, as those in other ways of running steps are the ones that
 * compilers have been seen to fail on, and PoCL compiles once more for each size of work-group. */
static bool build_there(ls_cl_device *d, const char *id, const char *source, size_t size,
                        const char *options, ls_status *status, ls_error *err)
{
    ls_cl_helper helper;
    ls_open_answer opened;
    ls_check_answer built;
    ls_helper_failure failure = {.crashed = false};
    char why[160];
    bool product = source == ls_matmul_source || source == ls_matmul_local_source;
    const size_t text = strlen(options) + 1;
    ls_build_request request;
    memset(&request, 0, sizeof request);
    request.options = text, request.source = size, request.binaries = !product;
    if (!ls_cl_helper_start(&helper)) return false;
    if (!ls_cl_helper_open(&helper, d->number, &d->info, LS_CL_COPIES_PLAIN, &opened, &failure))
        return false;
    char *bytes = opened.status == LS_OK ? malloc(sizeof request + text) : NULL;
    if (!bytes) { /* another process may not have the device: it has no room for two, say */
        ls_cl_helper_stop(&helper);
        return false;
    }
    memcpy(bytes, &request, sizeof request);
    memcpy(bytes + sizeof request, options, text);
    bool answered = ls_cl_helper_ask(&helper, LS_MESSAGE_BUILD, bytes, sizeof request + text,
                                     source, size, &built, sizeof built, &failure);
    free(bytes);
    if (answered) {
        built.message[sizeof built.message - 1] = 0;
        *status = built.status == LS_OK ? LS_OK : ls_fail(err, built.status, "%s", built.message);
        if (built.status == LS_OK) remember(d, id, NULL);
        ls_cl_helper_stop(&helper);
        return true;
    }
    snprintf(why, sizeof why, "the driver's compiler %s", failure.how);
    if (failure.lasting) remember(d, id, why);
    *status = ls_fail(err, LS_ERR_DEVICE, "%s", why);
    return true;
}

ls_status ls_cl_guard(ls_cl_device *d, const char *source, size_t size, const char *options,
                      bool *elsewhere, ls_error *err)
{
    char id[33], why[160] = "";
    ls_status status = LS_OK;
    *elsewhere = false;
    if (!d->guarded) return LS_OK;
    ls_cl_program_id(source, size, options, id);
    knowledge known = recall(d, id, why);
    if (known == OUT)
        return ls_fail(err, LS_ERR_DEVICE, "%s (remembered from an earlier run)", why);
    if (known == BUILDS) return LS_OK;
    *elsewhere = build_there(d, id, source, size, options, &status, err);
    return status;
}
