/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/gnuplot.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/cli/plot/svg.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char plot_absent[] =
    "gnuplot is not installed, so no plots are drawn (Debian: apt install gnuplot-nox)";

/* ---- The child process ----------------------------------------------------------------------- */

/* Runs gnuplot with these file descriptors as standard input and output. The locale is fixed, so
 * that the output depends on the script only. Returns the exit status, SIGNALLED plus the number of
 * the signal that ended it, or -1 if it was not started. */
enum { SIGNALLED = 256 };
static int run_gnuplot(int in, int out)
{
    pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        setenv("LC_ALL", "C", 1);
        unsetenv("GNUTERM");
        if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || (null >= 0 && dup2(null, 2) < 0)) _exit(127);
        execlp("gnuplot", "gnuplot", "--default-settings", "-", (char *)NULL);
        _exit(127);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
}

bool plot_possible(void)
{
    FILE *in = tmpfile(), *out = tmpfile();
    bool possible = in && out && fputs("exit\n", in) >= 0 && fflush(in) == 0 &&
                    lseek(fileno(in), 0, SEEK_SET) == 0 &&
                    run_gnuplot(fileno(in), fileno(out)) == 0;
    if (in) fclose(in);
    if (out) fclose(out);
    return possible;
}

/* Reads a whole file from its start and adds a NUL. */
static ls_status read_all(FILE *file, char **bytes, size_t *size, ls_error *err)
{
    long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (end < 0) return ls_fail(err, LS_ERR_IO, "gnuplot's output cannot be read");
    rewind(file);
    LS_TRY(ls_alloc(bytes, (size_t)end + 1, 1, "a plot", err));
    if (fread(*bytes, 1, (size_t)end, file) == (size_t)end) {
        *size = (size_t)end;
        return LS_OK;
    }
    free(*bytes);
    return ls_fail(err, LS_ERR_IO, "gnuplot's output cannot be read");
}

/* Runs a script; head, if not empty, replaces its first line, which sets the terminal. */
static ls_status run_script(const char *head, const ls_text *script, char **bytes, size_t *size,
                            ls_error *err)
{
    if (script->failed) return ls_fail(err, LS_ERR_MEMORY, "out of memory for a plot");
    FILE *in = tmpfile(), *out = tmpfile();
    const char *text = *head ? strchr(script->text, '\n') : script->text;
    ls_status result;
    if (!in || !out) {
        result = ls_fail(err, LS_ERR_IO, "no temporary file for gnuplot can be created: %s",
                         strerror(errno));
    } else {
        bool written = fputs(head, in) >= 0 && fputs(text, in) >= 0 && fflush(in) == 0 &&
                       lseek(fileno(in), 0, SEEK_SET) == 0;
        int status = written ? run_gnuplot(fileno(in), fileno(out)) : -1;
        if (status == 0) result = read_all(out, bytes, size, err);
        else if (status == 127) result = ls_fail(err, LS_ERR_UNSUPPORTED, "%s", plot_absent);
        else
            result = status < 0 ? ls_fail(err, LS_ERR_IO, "gnuplot cannot be started")
                                : ls_fail(err, LS_ERR_IO, "gnuplot failed to draw the plot (%s %d)",
                                          status < SIGNALLED ? "exit status" : "killed by signal",
                                          status % SIGNALLED);
    }
    if (in) fclose(in);
    if (out) fclose(out);
    return result;
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

ls_status plot_draw_file(const ls_text *script, const char *title, const char *path, ls_error *err)
{
    size_t length = strlen(path), size;
    unsigned width, height;
    char *bytes, head[200];
    bool png = length > 4 && !strcmp(path + length - 4, ".png");
    if (!png && (length < 5 || strcmp(path + length - 4, ".svg")))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: the name of a plot must end in .svg or .png",
                       path);
    if (!png) {
        LS_TRY(plot_draw(script, title, NULL, &bytes, err));
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
