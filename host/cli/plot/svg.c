/* SPDX-License-Identifier: MIT */
/* Rewrites gnuplot's SVG: a size that follows the page, colours for light and dark backgrounds,
 * titles for screen readers, hover values, and less text. No script is needed: browsers show the
 * <title> of an SVG element as a tooltip. */
#include "host/cli/plot/svg.h"
#include "host/cli/base/html.h"
#include <stdlib.h>
#include <string.h>

/* ---- Shorter attributes ---------------------------------------------------------------------- */

/* PLOT_INK as gnuplot writes it, its own ink (colours of scripts are written as numbers), the
 * colours that gnuplot sets on groups (they would override the colour of the surrounding text), and
 * attributes with their default value. */
static const char *const replaced[][2] = {
    {" color=\"black\"", ""},
    {"rgb(  1,   2,   3)", "currentColor"},
    {"rgb(1,2,3)", "currentColor"},
    {"\"black\"", "\"currentColor\""},
    {" color=\"white\"", ""},
    {" color=\"gray\"", ""},
    {" stroke-linecap=\"butt\" stroke-linejoin=\"miter\"", ""},
    {" font-family=\"sans-serif\"", ""},
    {" font-size=\"15.00\" ", ""},
    {"  '/>", "'/>"},
    {"\t", ""},
};

/* If one of `replaced` begins at p, writes its replacement and returns the text after it; otherwise
 * NULL. */
static const char *replace_attribute(ls_text *out, const char *p)
{
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) {
        size_t length = strlen(replaced[i][0]);
        if (strncmp(p, replaced[i][0], length)) continue;
        ls_text_add(out, "%s", replaced[i][1]);
        return p + length;
    }
    return NULL;
}

/* Rounds a number with two decimals to one: a tenth of a pixel is precise enough. */
static const char *shorten_number(ls_text *out, const char *p)
{
    size_t whole = strspn(p, "0123456789");
    if (!whole || p[whole] != '.' || strspn(p + whole + 1, "0123456789") != 2) return NULL;
    char text[32];
    snprintf(text, sizeof text, "%.1f", strtod(p, NULL));
    size_t length = strlen(text);
    if (text[length - 1] == '0') length -= 2;
    ls_text_add(out, "%.*s", (int)length, text);
    return p + whole + 3;
}

/* Writes "rgb(  0,  69, 107)" as "#00456b". */
static const char *shorten_colour(ls_text *out, const char *p)
{
    unsigned r, g, b;
    int length = 0;
    if (sscanf(p, "rgb(%u,%u,%u)%n", &r, &g, &b, &length) != 3 || !length) return NULL;
    ls_text_add(out, "#%02x%02x%02x", r & 255, g & 255, b & 255);
    return p + length;
}

/* Copies p[0..length), shortening what is inside tags. Text and embedded images (base64) stay as
 * they are. *tag: whether p is inside a tag; updated. */
static void add_shortened(ls_text *out, const char *p, size_t length, bool *tag)
{
    const char *end = p + length;
    if (memmem(p, length, "base64", 6)) {
        ls_text_add(out, "%.*s", (int)length, p);
        return;
    }
    while (p < end) {
        const char *from = p, *after = NULL;
        if (*p == '>' && !*tag) { /* in a name: gnuplot escapes the other two only */
            ls_text_add(out, "&gt;");
            p++;
            continue;
        }
        if (*p == '<') *tag = true;
        if (*p == '>') *tag = false;
        if (*tag || *p == '\t') after = replace_attribute(out, p);
        if (!after && *tag && *p == 'r') after = shorten_colour(out, p);
        if (!after && *tag && *p >= '0' && *p <= '9') {
            after = shorten_number(out, p);
            if (!after)
                after = p + strspn(p, "0123456789."), ls_text_add(out, "%.*s", (int)(after - p), p);
        }
        if (after) {
            p = after;
            continue;
        }
        do p++;
        while (p < end && *p != '<' && *p != '>' && *p != '\t' && *p != 'r' && *p != ' ' &&
               !(*tag && *p == '"') && !(*p >= '0' && *p <= '9'));
        ls_text_add(out, "%.*s", (int)(p - from), from);
    }
}

/* ---- Hover values ---------------------------------------------------------------------------- */

/* Adds an area with a tooltip for a label "WIDTHxHEIGHT:TEXT" that gnuplot has put at (x, y), the
 * middle of the area. */
static void add_hover(ls_text *out, double x, double y, const char *label, size_t length)
{
    char text[400];
    unsigned width, height, byte;
    size_t n = 0;
    const char *p = memchr(label, ':', length), *end = label + length;
    if (!p || sscanf(label, "%ux%u:", &width, &height) != 2) return;
    for (p++; p < end && n + 1 < sizeof text; p++) {
        bool coded = *p == '%' && end - p > 2 && sscanf(p + 1, "%2x", &byte) == 1;
        text[n++] = coded ? (char)byte : *p;
        if (coded) p += 2;
    }
    text[n] = 0;
    ls_text_add(out, "<rect class=\"h\" x=\"%.0f\" y=\"%.0f\" width=\"%u\" height=\"%u\"><title>",
                x - width / 2.0, y - height / 2.0, width, height);
    html_add(out, text);
    ls_text_add(out, "</title></rect>\n");
}

/* If a hover label begins at this line (it takes three lines), adds its area and returns the text
 * after it; otherwise NULL. */
static const char *take_hover(ls_text *out, const char *line)
{
    double x, y;
    const char *end = strchr(line, '\n');
    if (!end || sscanf(line, "\t<g transform=\"translate(%lf,%lf)\"", &x, &y) != 2) return NULL;
    if (!memmem(line, (size_t)(end - line), "\"rgb(1,2,4)\"", 12)) return NULL;
    const char *text = strstr(end, "<text>"), *text_end = text ? strstr(text, "</text>") : NULL,
               *close = text_end ? strstr(text_end, "</g>\n") : NULL;
    if (!close) return NULL;
    add_hover(out, x, y, text + 6, (size_t)(text_end - text - 6));
    return close + 5;
}

/* The generated <title> ("gnuplot_plot_1") in this line, which says nothing; NULL if there is none.
 */
static const char *find_generated_title(const char *line)
{
    static const char begin[] = "<title>gnuplot_plot_";
    const char *end = strchr(line, '\n');
    return end ? memmem(line, (size_t)(end - line), begin, sizeof begin - 1) : NULL;
}

/* ---- Points ---------------------------------------------------------------------------------- */

/* The attributes of the last point. gnuplot repeats shape, size and colour for every point, which
 * is most of the text of a plot with hundreds of points; here consecutive points share one <defs>.
 */
typedef struct {
    char kind[96];
    size_t kinds;
} point_kind;

/* If this line is a point, adds it, with its attributes if they differ from the last point's, and
 * returns the text after it; otherwise NULL. */
static const char *take_point(ls_text *out, const char *line, point_kind *last)
{
    static const char begin[] = "\t<use xlink:href='#gpPt";
    double x, y, scale;
    unsigned shape;
    int colour = 0;
    const char *end = strncmp(line, begin, sizeof begin - 1) ? NULL : strchr(line, '\n');
    if (!end ||
        sscanf(line + sizeof begin - 1, "%u' transform='translate(%lf,%lf) scale(%lf)' %n", &shape,
               &x, &y, &scale, &colour) != 4 ||
        !colour)
        return NULL;
    colour += (int)sizeof begin - 1;
    int length = (int)(end - line) - colour - 2; /* without "/>" */
    char kind[sizeof last->kind];
    if (length < 0 || snprintf(kind, sizeof kind, "xlink:href='#gpPt%u' transform='scale(%g)' %.*s",
                               shape, scale, length, line + colour) >= (int)sizeof kind)
        return NULL;
    if (strcmp(kind, last->kind)) {
        bool tag = true;
        strcpy(last->kind, kind);
        ls_text_add(out, "<defs><use id='s%zu' ", ++last->kinds);
        add_shortened(out, kind, strlen(kind), &tag);
        ls_text_add(out, "/></defs>\n");
    }
    ls_text_add(out, "<use xlink:href='#s%zu' x='%.1f' y='%.1f'/>\n", last->kinds, x, y);
    return end + 1;
}

/* ---- The whole plot -------------------------------------------------------------------------- */

/* If a part that shows nothing begins at p (shapes of points in a plot without points, boxes of
 * labels, an empty group), returns the text after it; otherwise NULL. */
static const char *skip_invisible(const char *p)
{
    static const char *const parts[][2] = {{"<defs>", "</defs>\n"}, {"\t<filter", "</filter>\n"}};
    const char *end = strchr(p, '\n');
    for (size_t i = 0; i < 2; i++) {
        const char *after = strncmp(p, parts[i][0], strlen(parts[i][0])) ? NULL
                                                                         : strstr(p, parts[i][1]);
        if (after && (i || !strstr(after, "#gpPt"))) return after + strlen(parts[i][1]);
    }
    if (!strncmp(p, "<g ", 3) && end && !strncmp(end + 1, "</g>\n", 5)) return end + 6;
    return NULL;
}

static void add_lines(ls_text *out, const char *p)
{
    point_kind point = {.kinds = 0};
    bool tag = false, hovers = false; /* p is inside a tag; inside a group of hover areas */
    while (*p) {
        size_t before = out->length;
        if (!hovers) ls_text_add(out, "<g fill=\"#000\" fill-opacity=\"0\" stroke=\"none\">\n");
        const char *after = take_hover(out, p);
        if (!after && !hovers && out->text) out->text[out->length = before] = 0;
        if (!after && hovers) ls_text_add(out, "</g>\n");
        hovers = after != NULL;
        if (!after) after = skip_invisible(p);
        if (!after) after = take_point(out, p, &point);
        if (after) {
            p = after;
            continue;
        }
        const char *end = strchr(p, '\n'), *title = find_generated_title(p);
        size_t length = end ? (size_t)(end + 1 - p) : strlen(p);
        if (length > 1) add_shortened(out, p, title ? (size_t)(title - p) : length, &tag);
        if (title) ls_text_add(out, "\n");
        p += length;
    }
}

void plot_restyle(const char *raw, const char *title, const char *description, ls_text *out)
{
    const char *box = strstr(raw, "viewBox=\""), *body = strstr(raw, "<g id=\"gnuplot_canvas\">"),
               *defs = strstr(raw, "<defs>");
    if (!box || !body || !defs) return;
    int length = (int)strcspn(box + 9, "\"");
    ls_text_add(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"%.*s\" role=\"img\" class=\"plot\" font-family=\"sans-serif\" font-size=\"15\">\n<title>",
        length, box + 9);
    html_add(out, title);
    ls_text_add(out, "</title>\n");
    if (description) {
        ls_text_add(out, "<desc>");
        html_add(out, description);
        ls_text_add(out, "</desc>\n");
    }
    ls_text_add(
        out,
        "<style>svg.plot{color:#222;background:#fff}.h:hover{fill:#888;fill-opacity:.3}@media screen and (prefers-color-scheme:dark){svg.plot{color:#ddd;background:#1b1b1b}}</style>\n");
    add_lines(out, body < defs ? body : defs);
}
