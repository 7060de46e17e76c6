/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/letters.h"
#include "host/base/visible.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/terminal.h"
#include <stdlib.h>
#include <string.h>

/* Ranges of code points of Unicode's blocks, in order. NULL: in common fonts, or no letters. */
static const struct {
    unsigned last;
    const char *script;
} blocks[] = {
    {0x052f, NULL}, /* Latin, Greek, Cyrillic, and marks */
    {0x058f, "Armenian"},  {0x05ff, "Hebrew"},
    {0x06ff, "Arabic"},    {0x074f, "Syriac"},
    {0x077f, "Arabic"},    {0x07bf, "Thaana"},
    {0x07ff, "N'Ko"},      {0x089f, "others"},
    {0x08ff, "Arabic"},    {0x097f, "Devanagari"},
    {0x09ff, "Bengali"},   {0x0a7f, "Gurmukhi"},
    {0x0aff, "Gujarati"},  {0x0b7f, "Odia"},
    {0x0bff, "Tamil"},     {0x0c7f, "Telugu"},
    {0x0cff, "Kannada"},   {0x0d7f, "Malayalam"},
    {0x0dff, "Sinhala"},   {0x0e7f, "Thai"},
    {0x0eff, "Lao"},       {0x0fff, "Tibetan"},
    {0x109f, "Myanmar"},   {0x10ff, "Georgian"},
    {0x11ff, "Hangul"},    {0x139f, "Ethiopic"},
    {0x13ff, "Cherokee"},  {0x167f, "Canadian syllabics"},
    {0x177f, "others"},    {0x17ff, "Khmer"},
    {0x18af, "Mongolian"}, {0x1cff, "others"},
    {0x2bff, NULL}, /* phonetics, Latin and Greek with marks, punctuation, symbols */
    {0x2c5f, "others"},    {0x2c7f, NULL}, /* Latin */
    {0x2dff, "others"},    {0x2e7f, NULL}, /* Cyrillic, punctuation */
    {0x303f, "Han"},       {0x30ff, "Kana"},
    {0x312f, "Bopomofo"},  {0x318f, "Hangul"},
    {0x319f, "Han"},       {0x31bf, "Bopomofo"},
    {0x31ef, "Han"},       {0x31ff, "Kana"},
    {0x9fff, "Han"},       {0xa4cf, "Yi"},
    {0xabff, "others"},    {0xd7ff, "Hangul"},
    {0xf8ff, "others"},                    /* with private use */
    {0xfaff, "Han"},       {0xfb06, NULL}, /* ligatures of Latin */
    {0xfb17, "Armenian"},  {0xfb4f, "Hebrew"},
    {0xfdff, "Arabic"},    {0xfe6f, NULL}, /* marks and forms of punctuation */
    {0xfefe, "Arabic"},    {0xff00, NULL},
    {0xff64, "Han"}, /* wide forms */
    {0xff9f, "Kana"},      {0xffdc, "Hangul"},
    {0xffff, NULL},        {0x1efff, "others"},
    {0x1faff, "emoji"},    {0x1ffff, "others"},
    {0x3ffff, "Han"},      {0x10ffff, "others"},
};

static const char *script_of(unsigned code)
{
    size_t i = 0;
    while (code > blocks[i].last) i++;
    return blocks[i].script;
}

static unsigned code_of(const char *text, size_t bytes)
{
    const unsigned char *c = (const unsigned char *)text;
    unsigned code = bytes == 1 ? *c : *c & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) code = code << 6 | (c[i] & 0x3fu);
    return code;
}

void letters_add_scripts(ls_text *list, const char *text)
{
    for (size_t bytes, shown; *text; text += bytes) {
        const char *c = ls_visible_next(text, &bytes, &shown),
                   *script = script_of(code_of(c, shown));
        if (!script || (list->text && strstr(list->text, script))) continue;
        ls_text_add(list, "%s%s", list->length ? ", " : "", script);
    }
}

void letters_note(const ls_model *model)
{
    ls_text list = {0};
    for (size_t i = 0; i < ls_model_classes(model); i++)
        letters_add_scripts(&list, ls_model_class_name(model, i));
    if (ls_model_task(model) != LS_TASK_CLASSIFICATION)
        for (size_t i = 0; i < ls_model_targets(model); i++)
            letters_add_scripts(&list, model_target_name(model, i));
    if (list.length && !list.failed)
        terminal_print(stderr,
                       "note: names have letters that not every machine has a font for (%s); where "
                       "they show as boxes, install one, such as Noto\n",
                       list.text);
    free(list.text);
}
