/* SPDX-License-Identifier: MIT */
/* Numbers the different texts of a column, which become classes or categories. */
#ifndef LS_DICTIONARY_H
#define LS_DICTIONARY_H

#include "host/data/value.h"

typedef struct ls_dictionary ls_dictionary;

/* Final numbers and names. Equal names have one number. */
typedef struct {
    int32_t *map; /* of each provisional number */
    char **names; /* [count] */
    size_t count;
    ls_excerpt spelling[2]; /* two spellings of one name, if there are any; else "" */
} ls_coding;

/* Above this number of texts a column is not one of classes or categories. */
enum { LS_MOST_TEXTS = 4096 };

/* most: number of different texts that it takes. */
ls_status ls_dictionary_create(size_t most, ls_dictionary **out, ls_error *err);
void ls_dictionary_free(ls_dictionary *dictionary);

/* Gives text a provisional number, in the order of first appearance. line: where it stands, for
 * messages. false: memory has run out, or there are far more different texts than there can be
 * classes (ls_dictionary_too_many). */
bool ls_dictionary_add(ls_dictionary *dictionary, const char *text, size_t line, int32_t *number);

size_t ls_dictionary_count(const ls_dictionary *dictionary);
/* Number of different names that the texts are; the number of texts if memory runs out. */
size_t ls_dictionary_names(const ls_dictionary *dictionary);
/* Text number i; its number of rows and the line of the first are stored unless NULL. */
const char *ls_dictionary_text(const ls_dictionary *dictionary, size_t i, size_t *rows,
                               size_t *line);

/* The error of a class column with too many different texts. */
ls_status ls_dictionary_too_many(const ls_dictionary *dictionary, const char *path,
                                 const char *column, ls_error *err);

/* Makes the texts classes: the known ones if given; else those found, by the rules of
 * host/data/names.h: sorted by value if all are numbers, otherwise by bytes. path, column: for
 * messages. The caller frees the result. Errors: LS_ERR_DATA for unknown classes, or too many. */
ls_status ls_dictionary_classes(const ls_dictionary *dictionary, const char *path,
                                const char *column, const char *const *known, size_t known_count,
                                ls_coding *out, ls_error *err);

/* Makes the texts categories: as classes of which none is known, but any number of them. */
ls_status ls_dictionary_categories(const ls_dictionary *dictionary, const char *path,
                                   ls_coding *out, ls_error *err);

#endif
