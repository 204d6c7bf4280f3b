/* osm3s.h: the native core's one public header; its parts are in native/interface/.
 *
 * Conventions
 *  1. Functions return OSM3S_OK (0) or a negative error of the table in interface/base.h; osm3s_last_error() has the
 *     sentence.
 *  2. Every X_new is paired with exactly one X_free; X_free(NULL) is allowed. Buffers passed in stay the caller's;
 *     pointers handed out live as long as the object they came from.
 *  3. Coordinates are int32 in 1e-7 degree; OSM3S_NO_COORD in lat means: not known. Times are seconds since 1970,
 *     0 means: not known.
 *  4. The core calls libc only, never Python; it keeps no global state but the last error (one per thread).
 *
 * The parts, in this order, are also the cffi declaration: plain C without preprocessor but for their first line.
 */
#ifndef OSM3S_H
#define OSM3S_H

#include <stddef.h>
#include <stdint.h>

#include "interface/base.h"
#include "interface/input.h"
#include "interface/storage.h"
#include "interface/query.h"
#include "interface/index.h"
#include "interface/output.h"
#include "interface/geometry.h"
#include "interface/update.h"
#include "interface/areas.h"
#include "interface/check.h"

#endif
