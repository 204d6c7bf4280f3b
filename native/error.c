/* error.c: the last error of each thread, as a sentence. */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static _Thread_local char sentence[512];

const char *osm3s_last_error(void)
{
    return sentence;
}

int fail(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return code;
}
