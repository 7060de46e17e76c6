/* SPDX-License-Identifier: MIT */
#include "host/cli/base/html.h"
#include "host/base/text.h"
#include "host/base/visible.h"
#include <stdio.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--ink:#222;--paper:#fff;--soft:#666;--line:#ddd;--good:#00694c;--bad:#a84600}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#1b1b1b;--soft:#aaa;--line:#444;--good:#4fc9a0;--bad:#f0945a}}\n"
    "body{margin:0 auto;padding:1rem;max-width:60rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}\n"
    "h1{line-height:1.2}h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}\n"
    "td.num{white-space:nowrap}.reached,.better{color:var(--good)}.not{color:var(--bad)}.soft,figcaption{color:var(--soft);font-size:.875rem}\n"
    "figure{margin:1.5rem 0;break-inside:avoid}figure svg{width:100%;height:auto;max-height:44rem;display:block}\n"
    ".examples{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.5rem,1fr));gap:.75rem}.examples figure{margin:0}.examples img{width:6.5rem;max-width:100%;height:auto;image-rendering:pixelated;border:1px solid var(--line)}\n"
    "nav a{margin-right:1rem;white-space:nowrap}a{color:inherit}code{font-size:.875em;overflow-wrap:anywhere}\n"
    ".report figure svg{max-height:34rem;max-width:44rem}.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:0 2rem}.pair>*{min-width:0}\n"
    "td.right,th.right{text-align:right}td.right{white-space:nowrap}.facts td+td{overflow-wrap:anywhere}summary{cursor:pointer}details{margin:.5rem 0}.h:hover{fill:#888;fill-opacity:.3}\n"
    "@media print{body{max-width:none;font-size:10pt;padding:0}h2,h3{break-after:avoid}tr,table,.pair{break-inside:avoid}.scroll{overflow:visible}nav{display:none}\n"
    "figure svg{max-height:11cm}.pair{grid-template-columns:1fr 1fr}details::details-content{content-visibility:visible;display:block}\n"
    "summary{list-style:none;font-weight:bold;break-after:avoid}code{overflow-wrap:anywhere}}\n";

void html_add(ls_text *page, const char *text)
{
    for (size_t bytes, shown; *text; text += bytes) {
        const char *c = ls_visible_next(text, &bytes, &shown);
        switch (*text) {
        case '&': ls_text_add(page, "&amp;"); break;
        case '<': ls_text_add(page, "&lt;"); break;
        case '>': ls_text_add(page, "&gt;"); break;
        case '"': ls_text_add(page, "&quot;"); break;
        case '\n':
        case '\t': ls_text_add(page, "%c", *text); break;
        default: ls_text_add(page, "%.*s", (int)shown, c);
        }
    }
}

void html_begin(ls_text *page, const char *title)
{
    ls_text_add(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>");
    html_add(page, title);
    ls_text_add(page, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    html_add(page, title);
    ls_text_add(page, "</h1>\n");
}

void html_end(ls_text *page)
{
    ls_text_add(page, "<p class=\"soft\">Made with Lockstep %s.</p>\n</body>\n</html>\n",
                ls_version());
}

void html_add_element(ls_text *page, const char *tag, const char *text)
{
    ls_text_add(page, "<%s>", tag);
    html_add(page, text);
    ls_text_add(page, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

/* Adds an SVG with a prefix before its ids, because all plots use the same ids and a page may have
 * several plots. */
static void add_renamed(ls_text *page, const char *p, const char *end, size_t number)
{
    static const char *const marks[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#"};
    while (p < end) {
        size_t nearest = (size_t)(end - p);
        const char *found = NULL;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
            const char *at = memmem(p, nearest, marks[i], strlen(marks[i]));
            if (!at) continue;
            nearest = (size_t)(at - p) + strlen(marks[i]);
            found = at;
        }
        ls_text_add(page, "%.*s", (int)nearest, p);
        p += nearest;
        if (found) ls_text_add(page, "p%zu-", number);
    }
}

/* The least width of a plot on a page, in pixels: its smallest text is then at least 9 pixels high,
 * or as high as it was drawn. */
static unsigned least_width(const char *svg)
{
    static const char size[] = "font-size=\"";
    double width = 0, font = 15, least;
    const char *box = strstr(svg, "viewBox=\"0 0 ");
    if (box) sscanf(box + 13, "%lf", &width);
    for (const char *at = svg; (at = strstr(at, size)); at++)
        if (sscanf(at + sizeof size - 1, "%lf", &least) == 1 && least < font) font = least;
    return (unsigned)(font > 9 ? width * 9 / font : width);
}

void html_add_plot(ls_text *page, const char *svg, const char *caption)
{
    /* the SVG's <style> is for plots that stand alone; on a page the page's colours apply */
    const char *from = strstr(svg, "<style>"), *to = from ? strstr(from, "</style>\n") : NULL,
               *end = svg + strlen(svg);
    size_t number = 0; /* of plots before this one */
    for (const char *p = page->text; p && (p = strstr(p, "<figure>")); p++) number++;
    ls_text_add(page, "<figure>\n<div class=\"scroll\"><div style=\"min-width:%upx\">\n",
                least_width(svg));
    add_renamed(page, svg, to ? from : end, number);
    if (to) add_renamed(page, to + 9, end, number);
    ls_text_add(page, "</div></div>\n<figcaption>");
    html_add(page, caption);
    ls_text_add(page, "</figcaption>\n</figure>\n");
}

void html_table_begin(ls_text *page) { ls_text_add(page, "<div class=\"scroll\"><table>\n"); }
void html_table_end(ls_text *page) { ls_text_add(page, "</table></div>\n"); }

/* "12 of 30", "150 rows": a cell that starts with a number of things. */
static bool is_count(const char *text)
{
    return *text >= '0' && *text <= '9' && strlen(text) < 40 &&
           (strstr(text, " of ") || strstr(text, " rows"));
}

void html_table_row(ls_text *page, const char *const *cell, size_t n, bool head)
{
    ls_text_add(page, "<tr>");
    for (size_t i = 0; i < n; i++) {
        const char *text = cell[i], *tag = head ? "th" : "td";
        const char *kind = head                                    ? ""
                           : !strncmp(text, "reached", 7)          ? " class=\"reached\""
                           : !strncmp(text, "better", 6)           ? " class=\"better\""
                           : !strncmp(text, "not reached", 11)     ? " class=\"not\""
                           : strstr(text, " ± ") || is_count(text) ? " class=\"num\""
                                                                   : "";
        ls_text_add(page, "<%s%s>", tag, kind);
        html_add(page, text);
        ls_text_add(page, "</%s>", tag);
    }
    ls_text_add(page, "</tr>\n");
}
