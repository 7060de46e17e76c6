/* SPDX-License-Identifier: MIT */
/* A helper (host/opencl/cl_helper.h) with a driver that fails. HELPER_FAULT in the environment is
 * "KIND TEXT": what happens when a part of the self-check or the options of a program contain TEXT.
 * "once" is an abort that happens a single time; the file HELPER_MARK remembers it. Parts of the
 * self-check that contain the text HELPER_WRONG give wrong bits, and so do products as long as
 * there is the file HELPER_TILES. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/opencl/check_parts.h"
#include "host/opencl/cl_serve.h"

/* Sends junk to whoever is at the other end of this process's socket. */
static void send_junk(void)
{
    static const char junk[64] = "no message";
    for (int file = 0; file < 64; file++) send(file, junk, sizeof junk, MSG_NOSIGNAL);
}

static void fail(ls_message_kind kind, const char *what)
{
    const char *fault = getenv("HELPER_FAULT"), *text = fault ? strchr(fault, ' ') : NULL;
    (void)kind;
    if (!text || !strstr(what, text + 1)) return;
    if (!strncmp(fault, "abort ", 6)) abort();
    if (!strncmp(fault, "exit ", 5)) exit(0);
    if (!strncmp(fault, "kill ", 5)) kill(getpid(), SIGTERM);
    if (!strncmp(fault, "hang ", 5))
        for (;;) pause();
    if (!strncmp(fault, "junk ", 5)) send_junk();
    if (!strncmp(fault, "once ", 5)) {
        int mark = open(getenv("HELPER_MARK"), O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (mark >= 0) abort();
    }
}

/* In place of ls_check_part_run, which the linker calls __real_ls_check_part_run. */
ls_status __real_ls_check_part_run(ls_cl_device *device, ls_backend *cpu, const ls_check_part *part,
                                   char reason[256], ls_error *err);
ls_status __wrap_ls_check_part_run(ls_cl_device *device, ls_backend *cpu, const ls_check_part *part,
                                   char reason[256], ls_error *err);
ls_status __wrap_ls_check_part_run(ls_cl_device *device, ls_backend *cpu, const ls_check_part *part,
                                   char reason[256], ls_error *err)
{
    const char *wrong = getenv("HELPER_WRONG"), *tiles = getenv("HELPER_TILES");
    LS_TRY(__real_ls_check_part_run(device, cpu, part, reason, err));
    bool tile = part->kind == LS_CHECK_TILE && tiles && access(tiles, F_OK) == 0;
    if (tile || (wrong && strstr(part->name, wrong))) snprintf(reason, 256, "the test flips a bit");
    return LS_OK;
}

int main(void) { return ls_cl_serve(fail); }
