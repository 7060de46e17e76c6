/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/plot.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char plot_absent[] =
    "gnuplot is not installed, so there are no pictures (Debian: apt install gnuplot-nox)";

/* ---- gnuplot as a child ---------------------------------------------------------------------- */

/* Runs gnuplot with these files as its standard input and output, in a plain locale, so that bytes
 * depend on the script alone. */
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
    if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
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

/* All of a file from its start, with a NUL behind it. */
static ls_status read_all(FILE *file, char **bytes, size_t *size, ls_error *err)
{
    long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (end < 0) return ls_fail(err, LS_ERR_IO, "gnuplot's picture cannot be read");
    rewind(file);
    LS_TRY(ls_alloc(bytes, (size_t)end + 1, 1, "a picture", err));
    if (fread(*bytes, 1, (size_t)end, file) == (size_t)end) {
        *size = (size_t)end;
        return LS_OK;
    }
    free(*bytes);
    return ls_fail(err, LS_ERR_IO, "gnuplot's picture cannot be read");
}

/* Runs `head` and then the script from its second line on: its first one says the terminal, which
 * head may say otherwise. */
static ls_status run_script(const char *head, const ls_text *script, char **bytes, size_t *size,
                            ls_error *err)
{
    if (script->failed) return ls_fail(err, LS_ERR_MEMORY, "out of memory for a picture");
    FILE *in = tmpfile(), *out = tmpfile();
    const char *text = *head ? strchr(script->text, '\n') : script->text;
    int status = -1;
    if (in && out && fputs(head, in) >= 0 && fputs(text, in) >= 0 && fflush(in) == 0 &&
        lseek(fileno(in), 0, SEEK_SET) == 0)
        status = run_gnuplot(fileno(in), fileno(out));
    ls_status result = status == 127 ? ls_fail(err, LS_ERR_UNSUPPORTED, "%s", plot_absent)
                       : status != 0
                           ? ls_fail(err, LS_ERR_IO,
                                     "gnuplot could not draw the picture (exit status %d)", status)
                           : read_all(out, bytes, size, err);
    if (in) fclose(in);
    if (out) fclose(out);
    return result;
}

/* ---- Pictures -------------------------------------------------------------------------------- */

ls_status plot_draw(const ls_text *script, const char *title, const char *about, char **svg,
                    ls_error *err)
{
    ls_text out = {0};
    char *raw;
    size_t size;
    LS_TRY(run_script("", script, &raw, &size, err));
    plot_restyle(raw, title, about, &out);
    free(raw);
    if (!out.failed && out.length) {
        *svg = out.text;
        return LS_OK;
    }
    free(out.text);
    return out.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for a picture")
                      : ls_fail(err, LS_ERR_IO, "gnuplot's picture is not of the kind expected");
}

ls_status plot_draw_file(const ls_text *script, const char *title, const char *path, ls_error *err)
{
    size_t length = strlen(path), size;
    unsigned width, height;
    char *bytes, head[160];
    bool png = length > 4 && !strcmp(path + length - 4, ".png");
    if (!png && (length < 5 || strcmp(path + length - 4, ".svg")))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: the picture's name must end in .svg or .png",
                       path);
    if (!png) {
        LS_TRY(plot_draw(script, title, NULL, &bytes, err));
        size = strlen(bytes);
    } else {
        if (script->failed ||
            sscanf(script->text, "set terminal svg size %u,%u", &width, &height) != 2)
            return ls_fail(err, LS_ERR_MEMORY, "out of memory for a picture");
        snprintf(
            head, sizeof head,
            "set terminal pngcairo size %u,%u font 'sans-serif,12' noenhanced linewidth 1.4 background 'white'; HOVER = 0",
            width, height);
        LS_TRY(run_script(head, script, &bytes, &size, err));
    }
    ls_status status = ls_write_file(path, bytes, size, err);
    free(bytes);
    return status;
}

/* ---- Parts of scripts ------------------------------------------------------------------------ */

static const char *const dashes[] = {"solid", "'-'", "'.'", "'-.'", "'_'", "'-..'", "solid"};
enum { DASHES = sizeof dashes / sizeof *dashes };

/* Okabe and Ito's colours, those that show on white and on black. */
const char *plot_colour(size_t i)
{
    static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                          "#E69F00", "#56B4E9", "#888888"};
    return colours[i % (sizeof colours / sizeof *colours)];
}

void plot_begin(ls_text *s, unsigned width, unsigned height)
{
    ls_text_add(
        s,
        "set terminal svg size %u,%u dynamic font 'sans-serif,15' noenhanced linewidth 1.4; HOVER = 1\nset encoding utf8\n"
        "set border 3 lc rgb '" PLOT_INK "' lw 0.7\nset tics nomirror textcolor rgb '" PLOT_INK
        "'\nset title tc rgb '" PLOT_INK "'\n"
        "set xlabel tc rgb '" PLOT_INK "'\nset ylabel tc rgb '" PLOT_INK
        "'\nset key tc rgb '" PLOT_INK "' Left reverse\n"
        "set grid lc rgb '#999999' lw 0.3 dt 3\n",
        width, height);
}

/* In single quotes, in which gnuplot changes nothing: in double ones it runs what stands between
 * backquotes as a command. */
void plot_add_quoted(ls_text *s, const char *text)
{
    ls_text_add(s, "'");
    for (; *text; text++) {
        if (*text == '\n') ls_text_add(s, "'.\"\\n\".'");
        else ls_text_add(s, "%s%c", *text == '\'' ? "'" : "", *text);
    }
    ls_text_add(s, "'");
}

void plot_add_line_style(ls_text *s, size_t i)
{
    ls_text_add(s, "lc rgb '%s' dt %s lw 1.6", plot_colour(i), dashes[i % DASHES]);
}

/* The byte at which character number `at` begins. */
static size_t byte_of(const char *name, size_t at)
{
    size_t i = 0;
    for (;; i++) {
        bool begins = ((unsigned char)name[i] & 0xC0) != 0x80; /* otherwise inside a character */
        if (!name[i] || (begins && at-- == 0)) return i;
    }
}

void plot_short_name(const char *name, char out[PLOT_NAME])
{
    enum {
        FRONT = 9,
        BACK = 8
    }; /* the ends of names tell them apart as often as their beginnings do */
    size_t characters = 0;
    for (const char *p = name; *p; p++) characters += ((unsigned char)*p & 0xC0) != 0x80;
    if (characters <= FRONT + BACK + 1) snprintf(out, PLOT_NAME, "%s", name);
    else
        snprintf(out, PLOT_NAME, "%.*s…%s", (int)byte_of(name, FRONT), name,
                 name + byte_of(name, characters - BACK));
}

void plot_add_name(ls_text *s, const char *name, const char *behind)
{
    char text[2 * PLOT_NAME];
    plot_short_name(name, text);
    snprintf(text + strlen(text), PLOT_NAME, "%s", behind);
    plot_add_quoted(s, text);
}

double plot_names_width(const ls_model *model, size_t font)
{
    size_t longest = 0;
    for (size_t i = 0; i < ls_model_classes(model); i++) {
        char name[PLOT_NAME];
        size_t characters = 0;
        plot_short_name(ls_model_class_name(model, i), name);
        for (const char *p = name; *p; p++) characters += ((unsigned char)*p & 0xC0) != 0x80;
        longest = characters > longest ? characters : longest;
    }
    return (double)(longest * font) * 0.6;
}

void plot_add_side_label(ls_text *s, const char *text)
{
    ls_text_add(s, "unset ylabel\nset label 9 ");
    plot_add_quoted(s, text);
    ls_text_add(s, " at screen 0.027, graph 0.5 center rotate tc rgb '" PLOT_INK "'\n");
}

void plot_add_tic(ls_text *s, const char *name, size_t place)
{
    char text[PLOT_NAME], twice[2 * PLOT_NAME], *to = twice;
    plot_short_name(name, text);
    for (const char *p = text; *p; p++) {
        if (*p == '%') *to++ = '%';
        *to++ = *p;
    }
    *to = 0;
    plot_add_quoted(s, twice);
    ls_text_add(s, " %zu", place);
}

/* ---- Hover values ---------------------------------------------------------------------------- */

void plot_hover_begin(ls_text *s, const char *name) { ls_text_add(s, "$%s << EOD\n", name); }

void plot_hover_end(ls_text *s) { ls_text_add(s, "EOD\n"); }

void plot_add_hover(ls_text *s, double x, double y, double width, double height, const char *format,
                    ...)
{
    char text[400];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    ls_text_add(s, "%.6g %.6g %.0fx%.0f:", x, y, width, height);
    for (const char *p = text; *p; p++) { /* a single word for gnuplot, whatever is in it */
        if (isalnum((unsigned char)*p) || *p == '.') ls_text_add(s, "%c", *p);
        else ls_text_add(s, "%%%02x", (unsigned)(unsigned char)*p);
    }
    ls_text_add(s, "\n");
}

void plot_add_hover_command(ls_text *s, const char *name)
{
    ls_text_add(s,
                "$%s using 1:(HOVER ? $2 : NaN):3 with labels tc rgb '" PLOT_HOVER
                "' font 'sans-serif,1' notitle",
                name);
}
