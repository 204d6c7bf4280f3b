/* batch_order.c: the elements of several batches, sorted by type, id and version. */
#include "update.h"

struct osm3s_batch_order {
    change *elements; size_t n, cap, at;
};

osm3s_batch_order *osm3s_batch_order_new(void)
{
    return calloc(1, sizeof(osm3s_batch_order));
}

void osm3s_batch_order_free(osm3s_batch_order *o)
{
    if (o)
        free(o->elements);
    free(o);
}

int osm3s_batch_order_add(osm3s_batch_order *o, const osm3s_batch *batch)
{
    if (grow(&o->elements, &o->cap, o->n + batch->n_elements, sizeof *o->elements))
        return OSM3S_NOMEM;
    for (uint32_t i = 0; i < batch->n_elements; i++)
        o->elements[o->n++] = (change){batch, &batch->elements[i]};
    return OSM3S_OK;
}

int osm3s_batch_order_sort(osm3s_batch_order *o)
{
    bool sorted = true;
    for (size_t i = 1; i < o->n && sorted; i++)
        sorted = compare_changes(&o->elements[i - 1], &o->elements[i]) <= 0;
    if (sorted)
        return 1;
    return changes_sort(o->elements, o->n);
}

int osm3s_batch_order_next(osm3s_batch_order *o, osm3s_batch *into, uint32_t most)
{
    osm3s_batch_clear(into);
    for (; o->at < o->n && into->n_elements < most; o->at++) {
        int error = batch_copy_element(into, o->elements[o->at].batch, o->elements[o->at].element);
        if (error)
            return error;
    }
    return into->n_elements > 0;
}
