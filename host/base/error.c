/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/base/format.h"
#include <stdarg.h>
#include <string.h>

#define LS_STRING_(x) #x
#define LS_STRING(x) LS_STRING_(x)

const char *ls_version(void)
{
    return LS_STRING(LS_VERSION_MAJOR) "." LS_STRING(LS_VERSION_MINOR) "." LS_STRING(
        LS_VERSION_PATCH);
}

const char *ls_status_name(ls_status status)
{
    switch (status) {
    case LS_OK: return "ok";
    case LS_ERR_ARGUMENT: return "argument";
    case LS_ERR_DATA: return "data";
    case LS_ERR_IO: return "io";
    case LS_ERR_MEMORY: return "memory";
    case LS_ERR_DEVICE: return "device";
    case LS_ERR_DIVERGED: return "diverged";
    case LS_ERR_UNSUPPORTED: return "unsupported";
    }
    return "unknown";
}

void ls_error_set(ls_error *err, ls_status status, const char *format, ...)
{
    if (!err) return;
    char message[sizeof err->message]; /* the arguments may point into err->message */
    va_list arguments;
    va_start(arguments, format);
    if (ls_format(message, sizeof message, format, arguments) < 0) message[0] = '\0';
    va_end(arguments);
    err->status = status;
    memcpy(err->message, message, sizeof message);
}
