/* tag_directory.h: collects, while blocks are made, which block holds which key and which tag how often. */
#ifndef OSM3S_TAG_DIRECTORY_H
#define OSM3S_TAG_DIRECTORY_H

#include "index_page.h"

typedef struct tag_directory tag_directory;

tag_directory *tag_directory_new(void);
void tag_directory_free(tag_directory *);
/* Add the dictionary of a block. Block ids of a family must come in ascending order. */
int tag_directory_add(tag_directory *, const view *, uint32_t block_id);
/* After the last add: the next page of about page_len bytes: 1, 0 at the end. `last` is the key of its last entry. */
int tag_directory_page(tag_directory *, size_t page_len, int *family, buffer *page, buffer *last);

#endif
