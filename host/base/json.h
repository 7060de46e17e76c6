/* SPDX-License-Identifier: MIT */
/* JSON with checked building and reading, on top of jansson. Only in builds with jansson.
 *
 * Building: if memory runs out, an array or object becomes NULL, and NULL inside another one makes
 * that NULL in turn (json_pack does the same). So only the outermost value needs a check. */
#ifndef LS_JSON_H
#define LS_JSON_H

#include "host/base/error.h"
#include <jansson.h>
#include <stdint.h>

/* Adds `value` to *object or *array and takes it over. */
void ls_json_set(json_t **object, const char *key, json_t *value);
void ls_json_append(json_t **array, json_t *value);

/* A number; null for NaN and infinities, which JSON does not have. */
json_t *ls_json_number(double value);
/* A string; null if text is NULL. Text must be UTF-8. */
json_t *ls_json_text(const char *text);
/* Arrays of `count` strings (null for each NULL) or numbers. */
json_t *ls_json_texts(char *const *texts, size_t count);
json_t *ls_json_numbers(const double *numbers, size_t count);

/* The text of a value, freed by the caller; NULL for NULL and if memory runs out. json_dumps loses
 * the failures of its buffer to grow (jansson 2.14), and gives a text with gaps. */
char *ls_json_dumps(const json_t *value, size_t flags);

/* Reading: false, and *out unchanged, if value is NULL or not of this kind. */
bool ls_json_read_count(const json_t *value, uint64_t *out); /* an integer of at least 0 */
bool ls_json_read_number(const json_t *value, double *out);  /* an integer or a real */

#endif
