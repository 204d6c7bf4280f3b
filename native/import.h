/* import.h: what import.c needs from the pages; its interface is in interface/index.h. */
#ifndef OSM3S_IMPORT_H
#define OSM3S_IMPORT_H

#include "index_page.h"

/* Sort by (member, owner), drop duplicates. */
void links_sort(owner_link *links, size_t *n);

#endif
