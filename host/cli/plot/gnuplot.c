/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/gnuplot.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/cli/plot/svg.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char plot_absent[] =
    "gnuplot is not installed, so no plots are drawn (Debian: apt install gnuplot-nox)";

/* ---- The child process ----------------------------------------------------------------------- */

/* An open file without a name in TMPDIR or /tmp, closed with close(). */
static ls_status temporary_file(int *out, ls_error *err)
{
    const char *place = getenv("TMPDIR");
    ls_text path = {0};
    if (!place || !*place) place = "/tmp";
    ls_text_add(&path, "%s/lockstep-plot-XXXXXX", place);
    *out = path.failed ? -1 : mkostemp(path.text, O_CLOEXEC);
    ls_status status = LS_OK;
    if (path.failed) status = ls_fail(err, LS_ERR_MEMORY, "out of memory for a plot");
    else if (*out < 0)
        status = ls_fail(err, LS_ERR_IO,
                         "%s: cannot create a temporary file for gnuplot there: %s; set TMPDIR to "
                         "another folder",
                         place, strerror(errno));
    else unlink(path.text);
    free(path.text);
    return status;
}

/* In the child. The locale is fixed, so that the output depends on the script only. Ctrl-C reaches
 * the group of the terminal: it ends a training, which then waits for its page. */
static void become_gnuplot(int in, int out)
{
    int null = open("/dev/null", O_WRONLY);
    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    setenv("LC_ALL", "C", 1);
    unsetenv("GNUTERM");
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || (null >= 0 && dup2(null, 2) < 0)) _exit(127);
    execlp("gnuplot", "gnuplot", "--default-settings", "-", (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

/* Runs gnuplot with these files as standard input and output. */
static ls_status run_gnuplot(int in, int out, ls_error *err)
{
    int status;
    pid_t child = fork(), ended;
    if (child < 0) return ls_fail(err, LS_ERR_IO, "gnuplot cannot be started: %s", strerror(errno));
    if (child == 0) become_gnuplot(in, out);
    do ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0)
        return ls_fail(err, LS_ERR_IO, "the end of gnuplot was missed: %s", strerror(errno));
    if (WIFSIGNALED(status))
        return ls_fail(err, LS_ERR_IO, "gnuplot failed to draw the plot (killed by signal %d)",
                       WTERMSIG(status));
    if (WEXITSTATUS(status) == 127) return ls_fail(err, LS_ERR_UNSUPPORTED, "%s", plot_absent);
    if (WEXITSTATUS(status) == 126)
        return ls_fail(err, LS_ERR_IO, "gnuplot is installed, but cannot be started");
    return WEXITSTATUS(status) == 0
               ? LS_OK
               : ls_fail(err, LS_ERR_IO, "gnuplot failed to draw the plot (exit status %d)",
                         WEXITSTATUS(status));
}

static bool write_text(int file, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t written = write(file, text, left);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text += written;
        left -= (size_t)written;
    }
    return true;
}

/* Reads a whole file from its start and adds a NUL. */
static ls_status read_all(int file, char **bytes, size_t *size, ls_error *err)
{
    off_t end = lseek(file, 0, SEEK_END);
    size_t length = 0;
    ssize_t got = 1;
    if (end < 0 || lseek(file, 0, SEEK_SET) != 0)
        return ls_fail(err, LS_ERR_IO, "gnuplot's output cannot be read: %s", strerror(errno));
    LS_TRY(ls_alloc(bytes, (size_t)end + 1, 1, "a plot", err));
    while (length < (size_t)end && got != 0) {
        got = read(file, *bytes + length, (size_t)end - length);
        if (got < 0 && errno != EINTR) break;
        if (got > 0) length += (size_t)got;
    }
    *size = length;
    if (length == (size_t)end) return LS_OK;
    free(*bytes);
    *bytes = NULL;
    return ls_fail(err, LS_ERR_IO, "gnuplot's output cannot be read: %s", strerror(errno));
}

/* Runs the text of a script between two files. */
static ls_status run_between(int in, int out, const char *head, const char *text, char **bytes,
                             size_t *size, ls_error *err)
{
    if (!write_text(in, head) || !write_text(in, text) || lseek(in, 0, SEEK_SET) != 0)
        return ls_fail(err, LS_ERR_IO,
                       "the script for gnuplot cannot be written: %s; set TMPDIR to another folder",
                       strerror(errno));
    LS_TRY(run_gnuplot(in, out, err));
    return read_all(out, bytes, size, err);
}

/* Runs a script; head, if not empty, replaces its first line, which sets the terminal. */
static ls_status run_script(const char *head, const ls_text *script, char **bytes, size_t *size,
                            ls_error *err)
{
    int in, out;
    if (script->failed) return ls_fail(err, LS_ERR_MEMORY, "out of memory for a plot");
    LS_TRY(temporary_file(&in, err));
    ls_status status = temporary_file(&out, err);
    if (status == LS_OK) {
        status = run_between(in, out, head, *head ? strchr(script->text, '\n') : script->text,
                             bytes, size, err);
        close(out);
    }
    close(in);
    return status;
}

ls_status plot_check(ls_error *err)
{
    ls_text script = {0};
    char *bytes;
    size_t size;
    ls_text_add(&script, "exit\n");
    ls_status status = run_script("", &script, &bytes, &size, err);
    if (status == LS_OK) free(bytes);
    free(script.text);
    return status;
}

ls_status plot_run(const ls_text *script, char **bytes, size_t *size, ls_error *err)
{
    return run_script("", script, bytes, size, err);
}

/* ---- Plots ----------------------------------------------------------------------------------- */

ls_status plot_draw(const ls_text *script, const char *title, const char *description, char **svg,
                    ls_error *err)
{
    ls_text out = {0};
    char *raw;
    size_t size;
    LS_TRY(run_script("", script, &raw, &size, err));
    plot_restyle(raw, title, description, &out);
    free(raw);
    if (!out.failed && out.length) {
        *svg = out.text;
        return LS_OK;
    }
    free(out.text);
    return out.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for a plot")
                      : ls_fail(err, LS_ERR_IO, "gnuplot's SVG is not in the expected form");
}

ls_status plot_draw_file(const ls_text *script, const char *title, const char *description,
                         const char *path, ls_error *err)
{
    size_t length = strlen(path), size;
    unsigned width, height;
    char *bytes, head[200];
    bool png = length > 4 && !strcmp(path + length - 4, ".png");
    if (!png && (length < 5 || strcmp(path + length - 4, ".svg")))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: the name of a plot must end in .svg or .png",
                       path);
    if (!png) {
        LS_TRY(plot_draw(script, title, description, &bytes, err));
        size = strlen(bytes);
    } else {
        if (script->failed ||
            sscanf(script->text, "set terminal svg size %u,%u", &width, &height) != 2)
            return ls_fail(err, LS_ERR_MEMORY, "out of memory for a plot");
        /* its sizes of fonts are points, those of SVG pixels */
        snprintf(
            head, sizeof head,
            "set terminal pngcairo size %u,%u font 'sans-serif,15' fontscale 0.8 noenhanced linewidth 1.4 background 'white'; HOVER = 0",
            width, height);
        LS_TRY(run_script(head, script, &bytes, &size, err));
    }
    ls_status status = ls_write_file(path, bytes, size, err);
    free(bytes);
    return status;
}
