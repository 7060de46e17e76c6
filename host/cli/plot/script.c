/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/script.h"
#include "host/base/visible.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const dashes[] = {"solid", "'-'", "'.'", "'-.'", "'_'", "'-..'", "solid"};
enum { DASHES = sizeof dashes / sizeof *dashes };

/* The colours of Okabe and Ito that are visible on white and on black. */
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

/* Double quotes, because gnuplot does not find the end of a text in single quotes that begins with
 * one. It runs text in backquotes as a command, so these are octal, and the end of their string,
 * since it would read following digits, too. Characters that an SVG must not contain are shown as a
 * terminal shows them. */
void plot_add_quoted(ls_text *s, const char *text)
{
    ls_text_add(s, "\"");
    for (size_t bytes, shown; *text; text += bytes) {
        const char *c = ls_visible_next(text, &bytes, &shown);
        switch (*text) {
        case '\n': ls_text_add(s, "\\n"); break;
        case '`': ls_text_add(s, "\\140\".\""); break;
        case '"':
        case '\\': ls_text_add(s, "\\%c", *text); break;
        default: ls_text_add(s, "%.*s", (int)shown, c);
        }
    }
    ls_text_add(s, "\"");
}

void plot_add_line_style(ls_text *s, size_t i)
{
    ls_text_add(s, "lc rgb '%s' dt %s lw 1.6", plot_colour(i), dashes[i % DASHES]);
}

/* The offset of the byte at which character number `at` begins. */
static size_t byte_of(const char *name, size_t at)
{
    size_t i = 0;
    for (;; i++) {
        bool begins = ((unsigned char)name[i] & 0xC0) != 0x80; /* UTF-8: not a continuation byte */
        if (!name[i] || (begins && at-- == 0)) return i;
    }
}

void plot_short_name(const char *name, char out[PLOT_NAME])
{
    enum { FRONT = 9, BACK = 8 }; /* names differ at their ends as often as at their beginnings */
    size_t characters = 0;
    for (const char *p = name; *p; p++) characters += ((unsigned char)*p & 0xC0) != 0x80;
    if (characters <= FRONT + BACK + 1) snprintf(out, PLOT_NAME, "%s", name);
    else
        snprintf(out, PLOT_NAME, "%.*s…%s", (int)byte_of(name, FRONT), name,
                 name + byte_of(name, characters - BACK));
}

void plot_add_name(ls_text *s, const char *name, const char *suffix)
{
    char text[2 * PLOT_NAME];
    plot_short_name(name, text);
    snprintf(text + strlen(text), PLOT_NAME, "%s", suffix);
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

void plot_add_tic(ls_text *s, const char *name, size_t position)
{
    char text[PLOT_NAME], twice[2 * PLOT_NAME], *to = twice;
    plot_short_name(name, text);
    for (const char *p = text; *p; p++) {
        if (*p == '%') *to++ = '%';
        *to++ = *p;
    }
    *to = 0;
    plot_add_quoted(s, twice);
    ls_text_add(s, " %zu", position);
}

void plot_add_class_tics(ls_text *s, char axis, const ls_model *model, size_t font, bool upright)
{
    size_t n = ls_model_classes(model), every = n > 40 ? n / 20 : 1;
    ls_text_add(s, "set %ctics (", axis);
    for (size_t i = 0; i < n; i += every) {
        ls_text_add(s, "%s", i ? ", " : "");
        plot_add_tic(s, ls_model_class_name(model, i), i);
    }
    ls_text_add(s, ") scale 0%s font 'sans-serif,%zu'\n", upright ? " rotate by 90 right" : "",
                font);
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
    ls_text_add(s, "%.17g %.17g %.0fx%.0f:", x, y, width, height);
    for (const char *p = text; *p; p++) { /* percent-encoded, so that gnuplot reads one word */
        if (isalnum((unsigned char)*p) || *p == '.') ls_text_add(s, "%c", *p);
        else ls_text_add(s, "%%%02x", (unsigned)(unsigned char)*p);
    }
    ls_text_add(s, "\n");
}

void plot_add_hover_command(ls_text *s, const char *name)
{
    ls_text_add(s,
                "for [hover = 1:HOVER] $%s using 1:2:3 with labels tc rgb '" PLOT_HOVER
                "' font 'sans-serif,1' notitle",
                name);
}
