/* SPDX-License-Identifier: MIT */
#include "host/cli/base/progress.h"
#include "host/base/text.h"
#include "host/base/visible.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t drawn; /* columns of the line that is drawn */
static size_t lines; /* of the board that is drawn */

/* ---- The terminal ---------------------------------------------------------------------------- */

bool progress_live(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

bool progress_boards(void)
{
    const char *plain = getenv("NO_COLOR");
    return progress_live() && !(plain && *plain);
}

/* What the environment says of the size, if the terminal does not; otherwise `usual`. */
static size_t from_environment(const char *name, size_t usual)
{
    const char *text = getenv(name);
    uint64_t n = 0;
    return text && ls_parse_u64(text, &n) && n > 0 && n < 10000 ? (size_t)n : usual;
}

size_t progress_columns(void)
{
    struct winsize size = {0};
    if (!isatty(STDERR_FILENO)) return SIZE_MAX;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    size_t width = known ? size.ws_col : from_environment("COLUMNS", 80);
    return width > 1 ? width - 1 : 1;
}

size_t progress_rows(void)
{
    struct winsize size = {0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    return known ? size.ws_row : from_environment("LINES", 24);
}

/* ---- Widths ---------------------------------------------------------------------------------- */

static unsigned code_point(const char *text, size_t bytes)
{
    const unsigned char *c = (const unsigned char *)text;
    unsigned code = bytes == 1 ? *c : *c & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) code = (code << 6) | (c[i] & 0x3fu);
    return code;
}

/* Columns of a character: two for the scripts of East Asia and for emoji (Unicode Standard Annex
 * 11, wide and fullwidth). Marks that take none count as one. */
static size_t character_columns(unsigned code)
{
    static const unsigned wide[][2] = {{0x1100, 0x115f},   {0x231a, 0x231b},   {0x2e80, 0x303e},
                                       {0x3041, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                                       {0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1aff0, 0x1b2ff},
                                       {0x1f000, 0x1faff}, {0x20000, 0x3fffd}};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (code >= wide[i][0] && code <= wide[i][1]) return 2;
    return 1;
}

/* The bytes of a visible text's first line that fit, and how many columns they take. */
static size_t fitting(const char *text, size_t most, size_t *columns)
{
    size_t n = 0, bytes, shown;
    for (*columns = 0; text[n] && text[n] != '\n'; n += bytes) {
        const char *c = ls_visible_next(text + n, &bytes, &shown);
        size_t more = character_columns(code_point(c, shown));
        if (*columns + more > most) break;
        *columns += more;
    }
    return n;
}

static size_t columns_of(const char *text)
{
    size_t columns;
    fitting(text, SIZE_MAX, &columns);
    return columns;
}

/* ---- Drawing --------------------------------------------------------------------------------- */

static void write_text(ls_text *text)
{
    if (!text->failed && text->text) fputs(text->text, stderr);
    free(text->text);
}

/* Blanks remove the rest of the line before: this takes no escape sequence. */
static void draw(const char *line)
{
    size_t most = progress_columns(), columns, n = fitting(line, most, &columns);
    ls_text out = {0};
    if (!progress_live()) {
        ls_text_add(&out, "%.*s\n", (int)n, line);
        write_text(&out);
        return;
    }
    if (lines) progress_clear();
    size_t rest = drawn > columns ? drawn - columns : 0;
    if (rest > most - columns) rest = most - columns;
    ls_text_add(&out, "\r%.*s%*s", (int)n, line, (int)rest, "");
    if (!out.failed) drawn = columns;
    write_text(&out);
}

void progress_line(const char *format, ...)
{
    va_list list;
    ls_text text = {0};
    va_start(list, format);
    ls_text_vshow(&text, format, list);
    va_end(list);
    if (!text.failed && text.text) draw(text.text);
    free(text.text);
}

void progress_parts(const progress_part *part, size_t count)
{
    size_t most = progress_columns(), width = 0;
    int top = 0;
    for (size_t i = 0; i < count; i++) {
        width += columns_of(part[i].text);
        if (part[i].rank > top) top = part[i].rank;
    }
    for (; width > most && top > 0; top--)
        for (size_t i = 0; i < count; i++)
            if (part[i].rank == top) width -= columns_of(part[i].text);
    ls_text text = {0};
    for (size_t i = 0; i < count; i++)
        if (part[i].rank <= top) ls_text_show(&text, "%s", part[i].text);
    if (!text.failed && text.text) draw(text.text);
    free(text.text);
}

void progress_board(const char *text)
{
    size_t most = progress_columns(), columns, count = 0;
    ls_text out = {0};
    if (!progress_boards()) return;
    if (drawn) progress_clear();
    if (lines) ls_text_add(&out, "\r\033[%zuA", lines);
    for (const char *at = text; *at; count++) {
        ls_text_add(&out, "%.*s\033[K\n", (int)fitting(at, most, &columns), at);
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    ls_text_add(&out, "\033[J");
    if (!out.failed) lines = count;
    write_text(&out);
}

void progress_clear(void)
{
    ls_text out = {0};
    size_t most = drawn ? progress_columns() : 0;
    if (lines) ls_text_add(&out, "\r\033[%zuA\033[J", lines);
    if (drawn) ls_text_add(&out, "\r%*s\r", (int)(drawn < most ? drawn : most), "");
    drawn = lines = 0;
    write_text(&out);
}

void progress_end(void)
{
    if (drawn) fputc('\n', stderr);
    drawn = lines = 0;
}
