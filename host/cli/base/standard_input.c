/* SPDX-License-Identifier: MIT */
#include "host/cli/base/standard_input.h"
#include "host/base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool is_standard_input(const char *name) { return strcmp(name, "-") == 0; }

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(file, bytes, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

/* Copies all that is left in standard input. */
static bool copy_to(int file)
{
    char bytes[1 << 16];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n == 0;
        if (!write_all(file, bytes, (size_t)n)) return false;
    }
}

ls_status standard_input_keep(ls_error *err)
{
    const char *place = getenv("TMPDIR");
    ls_text path = {0};
    if (lseek(STDIN_FILENO, 0, SEEK_CUR) >= 0) return LS_OK;
    ls_text_add(&path, "%s/lockstep-input-XXXXXX", place && *place ? place : "/tmp");
    int file = path.failed ? -1 : mkstemp(path.text);
    if (file >= 0) unlink(path.text);
    free(path.text);
    bool kept = file >= 0 && copy_to(file) && lseek(file, 0, SEEK_SET) == 0 &&
                dup2(file, STDIN_FILENO) >= 0;
    int why = errno;
    if (file >= 0) close(file);
    return kept ? LS_OK
                : ls_fail(
                      err, LS_ERR_IO,
                      "standard input cannot be kept in %s: %s; set TMPDIR to another folder, or "
                      "give a file",
                      place && *place ? place : "/tmp", strerror(why));
}
