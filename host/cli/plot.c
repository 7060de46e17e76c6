/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "plot.h"

const char plot_absent[] = "gnuplot is not installed, so there are no pictures (Debian: apt install gnuplot-nox)";

/* What scripts draw in this colour takes the colour of the text around the picture. */
#define INK "#010203"

/* ---- gnuplot as a child ------------------------------------------------------------------------------------------ */

/* Runs gnuplot with these files as its standard input and output, in a plain locale, so that bytes depend on the script alone. */
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
    bool possible = in && out && fputs("exit\n", in) >= 0 && fflush(in) == 0 && lseek(fileno(in), 0, SEEK_SET) == 0 && run_gnuplot(fileno(in), fileno(out)) == 0;
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

/* Runs `head` and then the script from its second line on: its first one says the terminal, which head may say otherwise. */
static ls_status run_script(const char *head, const ls_text *script, char **bytes, size_t *size, ls_error *err)
{
    if (script->failed) return ls_fail(err, LS_ERR_MEMORY, "out of memory for a picture");
    FILE *in = tmpfile(), *out = tmpfile();
    const char *text = *head ? strchr(script->text, '\n') : script->text;
    int status = -1;
    if (in && out && fputs(head, in) >= 0 && fputs(text, in) >= 0 && fflush(in) == 0 && lseek(fileno(in), 0, SEEK_SET) == 0)
        status = run_gnuplot(fileno(in), fileno(out));
    ls_status result = status == 127 ? ls_fail(err, LS_ERR_UNSUPPORTED, "%s", plot_absent)
                       : status != 0 ? ls_fail(err, LS_ERR_IO, "gnuplot could not draw the picture (exit status %d)", status)
                                     : read_all(out, bytes, size, err);
    if (in) fclose(in);
    if (out) fclose(out);
    return result;
}

/* ---- From gnuplot's SVG to ours ---------------------------------------------------------------------------------- */

/* How gnuplot writes the ink; and what it sets as the current colour of groups, which would hide ours. */
static const char *const replaced[][2] = {
    {"rgb(  1,   2,   3)", "currentColor"}, {"rgb(1,2,3)", "currentColor"}, {" color=\"black\"", ""}, {" color=\"white\"", ""}, {" color=\"gray\"", ""},
};

static void add_replaced(ls_text *out, const char *p)
{
    while (*p) {
        size_t nearest = strlen(p), which = SIZE_MAX;
        for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
            const char *at = strstr(p, replaced[i][0]);
            if (at && (size_t)(at - p) < nearest) {
                nearest = (size_t)(at - p);
                which = i;
            }
        }
        ls_text_add(out, "%.*s", (int)nearest, p);
        p += nearest;
        if (which == SIZE_MAX) break;
        ls_text_add(out, "%s", replaced[which][1]);
        p += strlen(replaced[which][0]);
    }
}

/* Everything from the drawing on, with our opening: a size that follows the page, a name, and colours for light and dark. */
static void restyle(const char *raw, const char *title, ls_text *out)
{
    const char *box = strstr(raw, "viewBox=\""), *body = strstr(raw, "<g id=\"gnuplot_canvas\">"), *defs = strstr(raw, "<defs>");
    if (!box || !body || !defs) return;
    int length = (int)strcspn(box + 9, "\"");
    ls_text_add(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"%.*s\" role=\"img\" class=\"plot\">\n<title>", length, box + 9);
    for (; *title; title++) {
        if (*title == '&' || *title == '<') ls_text_add(out, *title == '&' ? "&amp;" : "&lt;");
        else ls_text_add(out, "%c", *title);
    }
    ls_text_add(out, "</title>\n<style>svg.plot{color:#222;background:#fff}@media screen and (prefers-color-scheme:dark){svg.plot{color:#ddd;background:#1b1b1b}}</style>\n");
    add_replaced(out, body < defs ? body : defs);
}

ls_status plot_draw(const ls_text *script, const char *title, char **svg, ls_error *err)
{
    ls_text out = {0};
    char *raw;
    size_t size;
    LS_TRY(run_script("", script, &raw, &size, err));
    restyle(raw, title, &out);
    free(raw);
    if (!out.failed && out.length) {
        *svg = out.text;
        return LS_OK;
    }
    free(out.text);
    return out.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for a picture") : ls_fail(err, LS_ERR_IO, "gnuplot's picture is not of the kind expected");
}

ls_status plot_draw_file(const ls_text *script, const char *title, const char *path, ls_error *err)
{
    size_t length = strlen(path), size;
    unsigned width, height;
    char *bytes, head[160];
    bool png = length > 4 && !strcmp(path + length - 4, ".png");
    if (!png && (length < 5 || strcmp(path + length - 4, ".svg"))) return ls_fail(err, LS_ERR_ARGUMENT, "%s: the picture's name must end in .svg or .png", path);
    if (!png) {
        LS_TRY(plot_draw(script, title, &bytes, err));
        size = strlen(bytes);
    } else {
        if (script->failed || sscanf(script->text, "set terminal svg size %u,%u", &width, &height) != 2) return ls_fail(err, LS_ERR_MEMORY, "out of memory for a picture");
        snprintf(head, sizeof head, "set terminal pngcairo size %u,%u font 'sans-serif,12' noenhanced linewidth 1.4 background 'white'", width, height);
        LS_TRY(run_script(head, script, &bytes, &size, err));
    }
    ls_status status = ls_write_file(path, bytes, size, err);
    free(bytes);
    return status;
}

/* ---- Parts of scripts -------------------------------------------------------------------------------------------- */

/* Okabe and Ito's colours, those that show on white and on black. */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#888888"};
static const char *const dashes[] = {"solid", "'-'", "'.'", "'-.'", "'_'", "'-..'", "solid"};
enum { COLOURS = sizeof colours / sizeof *colours };

void plot_begin(ls_text *s, unsigned width, unsigned height)
{
    ls_text_add(s, "set terminal svg size %u,%u dynamic font 'sans-serif,15' noenhanced linewidth 1.4\nset encoding utf8\n"
                   "set border 3 lc rgb '" INK "' lw 0.7\nset tics nomirror textcolor rgb '" INK "'\nset title tc rgb '" INK "'\n"
                   "set xlabel tc rgb '" INK "'\nset ylabel tc rgb '" INK "'\nset key tc rgb '" INK "' Left reverse\n"
                   "set grid lc rgb '#999999' lw 0.3 dt 3\n", width, height);
}

void plot_add_quoted(ls_text *s, const char *text)
{
    ls_text_add(s, "\"");
    for (; *text; text++) ls_text_add(s, "%s%c", *text == '"' || *text == '\\' || *text == '\n' ? "\\" : "", *text == '\n' ? 'n' : *text);
    ls_text_add(s, "\"");
}

void plot_add_line_style(ls_text *s, size_t i)
{
    ls_text_add(s, "lc rgb '%s' dt %s lw 1.6", colours[i % COLOURS], dashes[i % COLOURS]);
}

/* ---- Boundaries -------------------------------------------------------------------------------------------------- */

enum { MESH = 48 };

static void find_box(const ls_data *points, double box[4])
{
    const float *x = ls_data_x(points);
    for (size_t j = 0; j < 2; j++) {
        double low = HUGE_VAL, high = -HUGE_VAL;
        for (size_t i = 0; i < ls_data_rows(points); i++) {
            low = fmin(low, (double)x[2 * i + j]);
            high = fmax(high, (double)x[2 * i + j]);
        }
        double margin = high > low ? 0.08 * (high - low) : 1;
        box[2 * j] = low - margin;
        box[2 * j + 1] = high + margin;
    }
}

/* Probability of the second class, or the class's number over the last one's. */
static double score_of(const ls_model *model, const float *p)
{
    size_t classes = ls_model_classes(model), outputs = ls_model_outputs(model);
    if (classes == 2) return (double)p[outputs - 1];
    return (double)ls_model_decide(model, p) / (double)(classes > 1 ? classes - 1 : 1);
}

static ls_status add_mesh(ls_text *s, const char *name, const ls_model *model, const double box[4], ls_error *err)
{
    size_t outputs = ls_model_outputs(model), rows = (size_t)MESH * MESH;
    float *x, *p;
    LS_TRY(ls_alloc(&x, rows * (2 + outputs), sizeof *x, "a mesh", err));
    p = x + 2 * rows;
    for (size_t i = 0; i < rows; i++) {
        x[2 * i] = (float)(box[0] + (box[1] - box[0]) * (double)(i % MESH) / (MESH - 1));
        x[2 * i + 1] = (float)(box[2] + (box[3] - box[2]) * (double)(i / MESH) / (MESH - 1));
    }
    ls_status status = ls_model_predict(model, NULL, x, rows, p, err);
    ls_text_add(s, "$%s << EOD\n", name);
    for (size_t i = 0; i < rows && status == LS_OK; i++) {
        ls_text_add(s, "%.5g %.5g %.3f\n", (double)x[2 * i], (double)x[2 * i + 1], score_of(model, p + i * outputs));
        if ((i + 1) % MESH == 0) ls_text_add(s, "\n");
    }
    ls_text_add(s, "EOD\n");
    free(x);
    return status;
}

void plot_add_class(ls_text *s, const char *name, const ls_data *points, size_t class)
{
    size_t most = 400, n = ls_data_rows(points), step = n > most ? n / most : 1; /* more would be a blot, and a large file */
    ls_text_add(s, "$%s%zu << EOD\n", name, class);
    for (size_t i = 0, seen = 0; i < n; i++)
        if ((size_t)ls_data_y(points)[i] == class && seen++ % step == 0) ls_text_add(s, "%.4g %.4g\n", (double)ls_data_x(points)[2 * i], (double)ls_data_x(points)[2 * i + 1]);
    ls_text_add(s, "EOD\n");
}

ls_status plot_add_boundary(ls_text *s, const char *name, const ls_model *model, const ls_data *points, double box[4], ls_error *err)
{
    if (ls_data_features(points) != 2) return ls_fail(err, LS_ERR_ARGUMENT, "a boundary is drawn for two features, the data has %zu", ls_data_features(points));
    find_box(points, box);
    LS_TRY(add_mesh(s, name, model, box, err));
    char block[32];
    snprintf(block, sizeof block, "%sP", name);
    for (size_t c = 0; c < ls_data_classes(points); c++) plot_add_class(s, block, points, c);
    /* the line itself is a contour of the mesh; between more than two classes there are several */
    ls_text_add(s, "set contour base\nunset surface\nset cntrparam levels discrete ");
    size_t classes = ls_model_classes(model);
    for (size_t c = 1; c < classes; c++) ls_text_add(s, "%s%g", c > 1 ? ", " : "", ((double)c - 0.5) / (double)(classes - 1));
    ls_text_add(s, "\nset table $%sL\nsplot $%s using 1:2:3 with lines\nunset table\nset surface\nunset contour\n", name, name);
    return LS_OK;
}

/* Points of one class: shapes that can be told apart, filled for rows trained on and hollow for others. */
static void add_points(ls_text *s, const char *name, const ls_data *points, size_t c, bool hollow, bool key)
{
    static const int shapes[] = {7, 9, 5, 13, 11, 15, 3};
    ls_text_add(s, ", $%s%zu using 1:2 with points pt %d ps %s lc rgb '%s' ", name, c, shapes[c % 7] - hollow, hollow ? "0.55" : "0.45",
                c == 0 ? "#00456b" : c == 1 ? "#8a3d00" : colours[c % COLOURS]);
    if (!key) {
        ls_text_add(s, "notitle");
        return;
    }
    ls_text title = {0};
    ls_text_add(&title, "%s%s", ls_data_class_name(points, c), hollow ? ", held out" : "");
    ls_text_add(s, "title ");
    plot_add_quoted(s, title.failed ? "" : title.text);
    free(title.text);
}

void plot_add_boundary_command(ls_text *s, const char *name, const ls_data *points, const ls_data *test, bool key)
{
    char block[32];
    ls_text_add(s, "plot $%s using 1:2:3 with image notitle, $%sL using 1:2 with lines lc rgb '#222222' lw 1 notitle", name, name);
    snprintf(block, sizeof block, "%sP", name);
    for (size_t c = 0; c < ls_data_classes(points); c++) add_points(s, block, points, c, false, key);
    snprintf(block, sizeof block, "%sT", name);
    for (size_t c = 0; test && c < ls_data_classes(test); c++) add_points(s, block, test, c, true, key);
    ls_text_add(s, "\n");
}
